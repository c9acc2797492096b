"""Writing pictures whole or not at all.

The bytes are made in memory, written under a temporary name in the same
folder and renamed over the final name.  A process that dies half-way leaves
the old file, or none, never a torn one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from visioncam_core.errors import ImageError, OptionTypeError, OutputError
from visioncam_core.files import FORMATS, as_path, without_folders, write_bytes
from visioncam_core.images.opencv import load_opencv

if TYPE_CHECKING:
    from PIL.PngImagePlugin import PngInfo

LIMITS = {"JPEG": 65_500, "WEBP": 16_383}  # pixels a side
LARGE = 4_000_000  # pixels; above it PNG is packed quickly rather than tightly
SETTINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 92, "method": 4},
}  # of Pillow
PNG_HEAD = 33  # bytes of signature and first chunk, after which text may stand


def write_image(path: str | os.PathLike[str], array: np.ndarray, text: Mapping[str, str] = {}) -> Path:
    """Write a picture as PNG, JPEG or WebP, whole or not at all.

    Args:
        path: where to write; its suffix names the format.
        array: (H, W, 3) RGB or (H, W) grey uint8 ndarray.
        text: what made the picture, written as PNG text chunks (other formats carry none).
            Absolute paths in it are cut down to the file's name.

    Returns:
        The path that was written.

    Raises:
        OutputError: the suffix is unknown, the format cannot hold a picture this large, or the folder or
            file cannot be written.
        ImageError: the array is not a picture.
    """
    target = as_path(path, OutputError, OptionTypeError)
    payload = encode_image(array, target.suffix, text)
    write_bytes(target, payload)
    return target


def encode_image(array: np.ndarray, suffix: str, text: Mapping[str, str] = {}) -> bytes:
    """Return the bytes of a picture file; arguments and errors as in `write_image`."""
    from PIL import Image

    kind = FORMATS.get(suffix.lower())
    if kind is None:
        got = f"{suffix!r}" if suffix else "no suffix"
        raise OutputError(f"Cannot write a picture with {got}. Use one of {', '.join(FORMATS)}.")
    pixels = np.asarray(array)
    rgb_or_grey = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not rgb_or_grey or pixels.size == 0:
        raise ImageError(
            f"A picture to write must be a uint8 array (H, W, 3) or (H, W) with at least one pixel; got "
            f"{pixels.dtype} {pixels.shape}. Convert it first, for example with e.render()."
        )
    height, width = pixels.shape[:2]
    if max(height, width) > LIMITS.get(kind, height + width):
        raise OutputError(
            f"{kind} holds at most {LIMITS[kind]} pixels a side; this picture is {width} x {height}. "
            "Write a .png instead."
        )
    if kind == "PNG" and height * width > LARGE:
        return _large_png(pixels, text)
    settings = {"pnginfo": _chunks(text)} if kind == "PNG" else SETTINGS[kind]
    buffer = BytesIO()
    try:
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, kind, **settings)
    except (OSError, ValueError) as error:
        raise OutputError(
            f"{kind} cannot hold this picture of {width} x {height} pixels: {error}."
        ) from error
    return buffer.getvalue()


def _chunks(text: Mapping[str, str]) -> PngInfo:
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for key, value in text.items():
        clean = without_folders(str(value)).encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        name = str(key).encode("latin-1", "replace").decode("latin-1").replace("\0", "")[:79]
        chunks.add_text(name or "comment", clean)
    return chunks


def _large_png(pixels: np.ndarray, text: Mapping[str, str]) -> bytes:
    """Return a PNG packed by OpenCV, in half of Pillow's time; it carries no text, so that is put in."""
    cv2 = load_opencv()
    settings = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    if hasattr(cv2, "IMWRITE_PNG_FILTER"):  # OpenCV 4.12
        settings += [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
    turned = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR) if pixels.ndim == 3 else np.ascontiguousarray(pixels)
    packed = cv2.imencode(".png", turned, settings)[1].tobytes()
    parts = [packed[:PNG_HEAD]]
    for name, data, *_ in _chunks(text).chunks:
        body = name + data
        parts.append(len(data).to_bytes(4, "big") + body + crc32(body).to_bytes(4, "big"))
    return b"".join([*parts, packed[PNG_HEAD:]])
