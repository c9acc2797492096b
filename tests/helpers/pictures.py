"""Pictures made on the spot: encoded files, damaged headers, profiles and a 12-bit TIFF written by hand."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visioncam_core.errors import ImageError, VisionCamError
from visioncam_core.images.decode import load_picture

P3 = np.array([[0.5151, 0.2919, 0.1572], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]])
SRGB = np.array([[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])


def colours(height: int = 5, width: int = 7) -> np.ndarray:
    """Return (H, W, 3) uint8 pixels, all different, without any symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack(
        [y * 250 // max(height - 1, 1), x * 250 // max(width - 1, 1), (3 * y + 5 * x) % 256], -1
    ).astype(np.uint8)


def smooth(height: int = 48, width: int = 64) -> np.ndarray:
    """Return (H, W, 3) uint8 pixels that survive JPEG, without any symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([y * 3, x * 3, (y + 2 * x) % 256], -1).clip(0, 255).astype(np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    """Return the bytes of a file of one of Pillow's formats."""
    image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def frames(kind: str, count: int = 3) -> bytes:
    """Return an animation, or a file of several pages, whose frame n is all 60 * n."""
    first, *rest = (Image.new("RGB", (8, 6), (60 * n, 60 * n, 60 * n)) for n in range(count))
    options = {"lossless": True} if kind == "WEBP" else {}
    return encoded(first, kind, save_all=True, append_images=rest, **options)


def chunk(name: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width: int, height: int) -> bytes:
    """Return a small PNG file that claims to be of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def tiff(width: int, height: int, bits: int, data: bytes) -> bytes:
    """Return a one-strip grey TIFF file with `bits` per sample."""
    rows = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, len(data)),
    ]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in rows)
    data += b"\0" * (len(data) % 2)
    return (
        b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(rows)) + table + bytes(4)
    )


def profile(primaries: np.ndarray, gamma: float = 2.2, space: bytes = b"RGB ") -> bytes:
    """Return a minimal ICC display profile: three primaries (columns, XYZ under D50) and one gamma."""

    def fixed(values: object) -> bytes:
        return b"".join(struct.pack(">i", round(float(v) * 65536)) for v in np.ravel(values))

    xyz = [b"XYZ " + bytes(4) + fixed(column) for column in primaries.T]
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    title = b"desc" + bytes(4) + struct.pack(">I", 5) + b"wide\0" + bytes(78 + 1)
    white = b"XYZ " + bytes(4) + fixed([0.9642, 1.0, 0.8249])
    named = [(b"desc", title), (b"cprt", b"text" + bytes(4) + b"none"), (b"wtpt", white)]
    named += list(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    named += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, place = struct.pack(">I", len(named)), b"", 128 + 4 + 12 * len(named)
    for name, data in named:
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    head = bytes(4) + bytes(4) + struct.pack(">I", 0x02400000) + b"mntr" + space + b"XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + fixed([0.9642, 1.0, 0.8249]) + bytes(48)
    whole = head + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def p3_to_srgb(colour: tuple[int, int, int], gamma: float = 2.2) -> np.ndarray:
    """Return what a colour of the `P3` profile is in sRGB, 0 to 255."""
    linear = np.linalg.solve(SRGB, P3 @ (np.array(colour) / 255) ** gamma).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def noise() -> np.ndarray:
    """Return pixels that no format can make small, so that a cut falls into the pixel data."""
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def refusal(source: object, **options: int) -> str:
    """Return the message of the error that loading raises, having checked its form."""
    with pytest.raises(ImageError) as caught:
        load_picture(source, **options)
    message = str(caught.value)
    assert isinstance(caught.value, VisionCamError | ValueError)
    folder = f"{Path(source).parent}/" if isinstance(source, str | Path) else ""
    assert len(message.replace(folder, "")) <= 200  # the temporary folder's name is not ours
    assert message.isprintable()
    assert "object at 0x" not in message
    return message


# EXIF: which side of the upright picture the first stored row and the first stored column are
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Return the pixels as a camera stores them, straight from the definition of the EXIF tag."""
    row, column = SIDES[orientation]
    array = upright if row in ("top", "bottom") else upright.swapaxes(0, 1)
    flip_rows = row in ("bottom", "right")
    flip_columns = column in ("bottom", "right")
    return np.ascontiguousarray(array[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1])


def blobs(count: int = 8) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Return pictures with a bright blob each, and its box."""
    rng = np.random.default_rng(1)
    images, boxes = np.zeros((count, 24, 40, 1), np.float32), []
    for image in images:
        top, left = 4 * int(rng.integers(0, 5)), 4 * int(rng.integers(0, 9))
        image[top : top + 8, left : left + 8] = rng.uniform(0.15, 0.3)
        boxes.append((left, top, left + 8, top + 8))
    return images + rng.normal(0, 0.01, images.shape).astype(np.float32), boxes
