"""TIFF of any number of bands and bits, all its pages.

Pillow decodes: each page is handed to it as 8-bit grey, one pixel for each byte, so that every compression
it knows serves values it does not; bytes become values here.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.images.files import check_size

WIDTH, HEIGHT, BITS, COMPRESSION, MEANING, FILL, PLANAR, PREDICTOR = 256, 257, 258, 259, 262, 266, 284, 317
ORIENTATION, BANDS, ROWS, EXTRA, KIND, TILE_WIDTH, TILE_HEIGHT = 274, 277, 278, 338, 339, 322, 323
STRIPS, TILES = (273, 279), (324, 325)  # where each lies, and how long it is
PLAIN = {1, 5, 8, 32773, 32946, 34925, 50000}  # compressions that know nothing of the values
PREDICTED = PLAIN - {1, 32773}
MOST_PAGES, MOST_BYTES = 100_000, 32_000_000


@attrs.frozen(eq=False)
class Page:
    """One page of a TIFF, undecoded.

    Attributes:
        size: (width, height).
        bands: for each pixel.
        dtype: of its values, native.
        tags: all of them.
    """

    size: tuple[int, int]
    bands: int
    dtype: np.dtype[Any]
    tags: Any

    @property
    def extra(self) -> tuple[int, ...]:
        """What bands beyond grey or colour are: 1 and 2 stand for opacity."""
        return tuple(self.tags.get(EXTRA, ()))

    @property
    def opaque(self) -> int:
        """The position of opacity among the bands; -1 without."""
        first = self.bands - len(self.extra)
        return next((first + k for k, kind in enumerate(self.extra) if kind in (1, 2)), -1)


def pages_of(data: bytes) -> list[Page] | None:
    """Return the pages of a TIFF, undecoded; None where one is of a kind that is left to Pillow."""
    from PIL import TiffImagePlugin as Tiff

    file, found, seen = io.BytesIO(data), list[Page](), set[int]()
    try:
        tags = Tiff.ImageFileDirectory_v2(file.read(16 if data[2:4] in (b"+\0", b"\0+") else 8))
        while tags.next and tags.next not in seen and len(found) < MOST_PAGES:
            seen.add(tags.next)
            file.seek(tags.next)
            tags.load(file)
            page = _page(dict(tags))
            if page is None:
                return None
            found.append(page)
    except Exception:  # damaged: Pillow says how
        return None
    return found or None


def _page(tags: dict[int, Any]) -> Page | None:
    bits, kinds = set(tags.get(BITS, (1,))), set(tags.get(KIND, (1,)))
    if len(bits) > 1 or len(kinds) > 1 or tags.get(COMPRESSION, 1) not in PLAIN or tags.get(FILL, 1) != 1:
        return None
    letter = {1: "u", 2: "i", 3: "f"}.get(kinds.pop(), "")
    (bit,) = bits
    if (
        tags.get(MEANING, 1) not in (0, 1, 2)
        or bit not in (8, 16, 32, 64)
        or not letter
        or (letter, bit) == ("f", 8)
    ):
        return None
    size = (int(tags[WIDTH]), int(tags[HEIGHT]))
    return Page(size, int(tags.get(BANDS, 1)), np.dtype(f"{letter}{bit // 8}"), tags)


def is_plain(pages: Sequence[Page], channels: int | None) -> bool:
    """Return whether Pillow's reading loses nothing: 8 bits, grey or colour, with opacity or without."""
    first = pages[0]
    seen = first.bands in (1, 3) or first.opaque >= 0 or (first.bands == 4 and channels != 4)
    return first.dtype == np.uint8 and first.bands <= 4 and seen


def read_page(data: bytes, page: Page, max_pixels: int, name: str) -> np.ndarray:
    """Return the values of a page, (H, W) or (H, W, bands), native; opacity still among them.

    Raises:
        ImageError: too large; and whatever Pillow raises of a damaged one.
    """
    check_size(page.size, max_pixels, name)
    width, height = page.size
    if width * height * page.bands > 16 * max_pixels:
        raise ImageError(f"{name}: {page.bands} bands of {width} x {height} are more than 16 values for each "
                         f"of max_pixels={max_pixels:,}; raise it (--max-pixels)")  # fmt: skip
    apart = page.tags.get(PLANAR, 1) == 2 and page.bands > 1
    planes = (
        [_plane(data, page, k, 1) for k in range(page.bands)]
        if apart
        else [_plane(data, page, 0, page.bands)]
    )
    values = np.concatenate(planes, axis=-1)
    return values[..., 0] if page.bands == 1 else values


def _plane(data: bytes, page: Page, number: int, bands: int) -> np.ndarray:
    """Return (H, W, bands) of the strips or tiles of one plane."""
    tags, size, (width, high) = page.tags, page.dtype.itemsize, page.size
    tiled = TILES[0] in tags
    where, length = (list(tags[tag]) for tag in (TILES if tiled else STRIPS))
    count = len(where) // (page.bands if bands < page.bands else 1)
    mine = range(number * count, (number + 1) * count)
    parts = [data[where[k] : where[k] + length[k]] for k in mine]
    if any(len(part) < length[k] for part, k in zip(parts, mine, strict=True)):
        raise OSError("cut off")
    wide = int(tags[TILE_WIDTH]) if tiled else width
    rows = int(tags[TILE_HEIGHT]) if tiled else min(int(tags.get(ROWS, high)), high)
    across = -(-width // wide)  # tiles in a row; their bytes lie side by side
    line = wide * bands * size
    packed = int(tags.get(COMPRESSION, 1))
    if packed == 1 and not tiled:
        raw = np.frombuffer(b"".join(parts), np.uint8, high * line)
    else:
        several = max(
            1, MOST_BYTES // (across * line * rows)
        )  # rows of strips or tiles that are decoded at once
        raw = np.concatenate(
            [
                _decoded(parts[at * across : (at + several) * across], across, line, rows,
                         min(several * rows, high - at * rows), packed, tiled)
                for at in range(0, -(-high // rows), several)
            ]
        )  # fmt: skip
    raw = raw.reshape(high, across, wide, bands * size)  # predictors restart in each tile
    little = data[:2] == b"II"
    predictor = int(tags.get(PREDICTOR, 1)) if packed in PREDICTED else 1
    if predictor == 3:
        sums = np.cumsum(raw.reshape(high, across, wide * size, bands), axis=2, dtype=np.uint8)
        last = np.moveaxis(sums.reshape(high, across, size, wide * bands), 2, -1)
        values = np.ascontiguousarray(last).view(page.dtype.newbyteorder(">"))
    else:
        values = np.ascontiguousarray(raw).view(page.dtype.newbyteorder("<" if little else ">"))
    values = values.reshape(high, across, wide, bands)
    if predictor == 2:
        values = np.cumsum(values, axis=2, dtype=page.dtype)
    return values.reshape(high, across * wide, bands)[:, :width].astype(page.dtype, copy=False)


def _decoded(
    parts: Sequence[bytes], across: int, line: int, rows: int, high: int, packed: int, tiled: bool
) -> np.ndarray:
    """Return (high, across * line) bytes of some strips or tiles, of `rows` lines each."""
    from PIL import TiffImagePlugin as Tiff

    starts = list(np.cumsum([8, *map(len, parts)], dtype=np.int64)[:-1])
    form: dict[int, Any] = {
        WIDTH: [across * line], HEIGHT: [high], BITS: [8], COMPRESSION: [packed], MEANING: [1], BANDS: [1],
    }  # fmt: skip
    if tiled:
        form |= {TILE_WIDTH: [line], TILE_HEIGHT: [rows]}
    else:
        form[ROWS] = [min(rows, high)]
    form |= zip(TILES if tiled else STRIPS, (starts, list(map(len, parts))), strict=True)
    body = b"".join(parts)
    body += bytes(len(body) % 2)
    entries, tail, start = b"", b"", 8 + len(body)
    for tag, numbers in sorted(form.items()):
        value = struct.pack(f"<{len(numbers)}I", *numbers)
        if len(value) > 4:
            value, tail = struct.pack("<I", start + 6 + 12 * len(form) + len(tail)), tail + value
        entries += struct.pack("<HHI", tag, 4, len(numbers)) + value
    head = struct.pack("<2sHI", b"II", 42, start)
    whole = head + body + struct.pack("<H", len(form)) + entries + bytes(4) + tail
    with Tiff.TiffImageFile(io.BytesIO(whole)) as image:
        return np.array(image)
