"""TIFF files of any number of bands, written by hand: Pillow writes four at most."""

from __future__ import annotations

import struct

import numpy as np


def tiff(array: np.ndarray, extra: tuple[int, ...] = ()) -> bytes:
    """Return an uncompressed little-endian TIFF of (H, W, bands) in one strip.

    Args:
        array: of integers or floats.
        extra: what the bands above three are, TIFF's tag ExtraSamples; 0 stands for anything.
    """
    height, width, bands = array.shape
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    tags = {
        256: (3, [width]), 257: (3, [height]), 258: (3, [array.dtype.itemsize * 8] * bands), 259: (3, [1]),
        262: (3, [2 if bands >= 3 else 1]), 273: (4, [0]), 277: (3, [bands]), 278: (4, [height]),
        279: (4, [len(data)]), 284: (3, [1]), 339: (3, [kind] * bands),
    }  # fmt: skip
    if extra:
        tags[338] = (3, list(extra))
    size = {3: 2, 4: 4}
    behind = 8 + 2 + 12 * len(tags) + 4
    start = behind + sum(size[k] * len(v) for k, v in tags.values() if size[k] * len(v) > 4)
    tags[273] = (4, [start])
    head, tail = struct.pack("<2sHIH", b"II", 42, 8, len(tags)), b""
    for tag, (form, values) in sorted(tags.items()):
        raw = struct.pack(f"<{len(values)}{'H' if form == 3 else 'I'}", *values)
        if len(raw) > 4:
            head += struct.pack("<HHII", tag, form, len(values), behind + len(tail))
            tail += raw
        else:
            head += struct.pack("<HHI", tag, form, len(values)) + raw.ljust(4, b"\0")
    return head + bytes(4) + tail + data
