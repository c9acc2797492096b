"""Any picture or array as 8-bit RGB for display; nothing here changes what the model saw.

8-bit pixels are shown as they are.  Everything else (16-bit, float, model
inputs) is stretched so that its smallest finite value is black and its largest
white, all bands together, so that colours keep their balance.
"""

from __future__ import annotations

import numpy as np

from visioncam_core.errors import ImageError


def bands_last(picture: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Return the picture with one axis of bands at the end.

    Args:
        picture: (*grid), (*grid, C) or (C, *grid) ndarray.
        grid: the heat map's shape.

    Returns:
        (*grid, C) ndarray, a view.

    Raises:
        ImageError: the picture is on another grid than the heat map.
    """
    if picture.shape == grid:
        return picture[..., None]
    if picture.ndim == len(grid) + 1 and picture.size:
        if picture.shape[:-1] == grid:
            return picture
        if picture.shape[1:] == grid:
            return np.moveaxis(picture, 0, -1)
    raise ImageError(
        f"The picture {picture.shape} and the heat map {grid} are not on one grid. "
        "Give the heat map one value for each of the picture's pixels."
    )


def to_rgb(bands: np.ndarray) -> np.ndarray:
    """Return (*grid, C) values as (*grid, 3) uint8 for display.

    One band is grey.  Two are shown as red and cyan.  Of more than four, three are
    chosen: the first, the middle and the last, each stretched by itself.  The fourth of
    four 8-bit bands is taken as opacity, over white.

    Args:
        bands: (*grid, C) ndarray of numbers or booleans.
    """
    count = bands.shape[-1]
    if bands.dtype == np.uint8 and count == 4:
        return _over_white(bands)
    if count > 3:
        chosen = bands[..., [0, count // 2, count - 1]]
        bands = np.stack([stretch(chosen[..., i]) for i in range(3)], axis=-1)
    elif count == 2:
        bands = bands[..., [0, 1, 1]]
    elif count == 1:
        bands = np.repeat(bands, 3, axis=-1)
    return bands if bands.dtype == np.uint8 else stretch(bands)


def stretch(values: np.ndarray) -> np.ndarray:
    """Return values as uint8, the smallest finite one 0 and the largest 255; constant values are mid-grey.

    What is not finite becomes 0.  8-bit values are returned as they are.
    """
    if values.dtype == np.uint8:
        return values
    numbers = np.abs(values) if np.iscomplexobj(values) else np.asarray(values)
    numbers = numbers.astype(np.float32 if numbers.dtype.itemsize <= 2 else np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(numbers.shape, np.uint8)
    low, high = numbers.min(where=finite, initial=np.inf), numbers.max(where=finite, initial=-np.inf)
    if low == high:
        return np.where(finite, 128, 0).astype(np.uint8)
    # Halves, so that a span wider than the largest number does not overflow.
    shares = (np.where(finite, numbers, low) / 2 - low / 2) / (high / 2 - low / 2)
    return np.where(finite, np.rint(shares * 255), 0).astype(np.uint8)


def _over_white(rgba: np.ndarray) -> np.ndarray:
    """Return RGBA pixels laid over white."""
    opacity = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(255 + opacity * (rgba[..., :3] - np.float32(255))).astype(np.uint8)
