"""Pictures and maps as `data:` addresses: always encoded again, never a file's own bytes."""

from __future__ import annotations

import base64
import io

import numpy as np

from visioncam_core.images.opencv import load_opencv

MAP_SIDE = 256  # pixels of a map's longer side; it is smooth, and the browser interpolates it
PHOTO_QUALITY, MAP_QUALITY = 80, 90


def picture_uri(pixels: np.ndarray, side: int) -> str:
    """Return an RGB or grey uint8 picture as a WebP `data:` address, no longer than `side` pixels."""
    return _webp(smaller(pixels, side), PHOTO_QUALITY)


def map_uri(heat: np.ndarray, signed: bool) -> str:
    """Return an (H, W) heat map in [0, 1], or [-1, 1] when signed, as a grey WebP `data:` address.

    0 is no evidence and 255 the strongest; of a signed map 128 is none, 0 the strongest against.  Lossy: a
    value is off by 1 in 255 in the mean.
    """
    small = smaller(np.nan_to_num(np.asarray(heat, np.float32)), MAP_SIDE)
    share = small / 2 + 0.5 if signed else small
    return _webp(np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8), MAP_QUALITY)


def labels_uri(labels: np.ndarray) -> str:
    """Return (H, W) numbers of regions as a lossless `data:` address: red + 256 green; blue where none is."""
    from PIL import Image

    width, height = display_size(labels.shape, MAP_SIDE)
    rows, columns = (np.arange(n) * side // n for n, side in zip((height, width), labels.shape, strict=True))
    small = labels[rows][:, columns]
    pixels = np.stack([small & 255, small >> 8 & 255, np.where(small < 0, 255, 0)], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def display_size(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return the (width, height) in pixels of a picture that is no longer than `side`."""
    height, width = shape[:2]
    factor = min(1.0, side / max(height, width))
    return max(round(width * factor), 1), max(round(height * factor), 1)


def smaller(values: np.ndarray, side: int, *, averaged: bool = True) -> np.ndarray:
    """Return values whose longer side is `side` at most: averaged, or as they are at the nearest places."""
    size = display_size(values.shape, side)
    if size == values.shape[1::-1]:
        return values
    cv2 = load_opencv()
    how = cv2.INTER_AREA if averaged else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(np.ascontiguousarray(values), size, interpolation=how))


def _webp(pixels: np.ndarray, quality: int) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", quality=quality, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
