"""Any picture or array as 8-bit RGB for display; nothing here changes what the model saw.

8-bit pixels are shown as they are.  Everything else (16-bit, float, model
inputs) is stretched from its smallest to its largest finite value, all bands
together, so that colours keep their balance.  One value in a thousand at
either end may be cut off, so that a dead pixel does not cost the contrast.
"""

from __future__ import annotations

import numpy as np

from visioncam_core.errors import ImageError, OptionError

OUTLIERS = 1000  # of so many values one at each end may be black or white
FEW = 4  # bands that are stretched together


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
        f"The picture {picture.shape} and the heat map {grid} do not have the same "
        "size. Give the heat map one value for each of the picture's pixels."
    )


def to_rgb(
    bands: np.ndarray, chosen: tuple[int, int, int] | None = None, *, opacity: bool = True
) -> np.ndarray:
    """Return (*grid, C) values as (*grid, 3) uint8 for display.

    One band is grey.  Two are shown as red and cyan.  Of more than four, three are
    chosen: the first, the middle and the last, each stretched by itself.  The fourth of
    four 8-bit bands is taken as opacity, over white.

    Args:
        bands: (*grid, C) ndarray of numbers or booleans.
        chosen: the bands to show as red, green and blue, or None to choose by the rules above.
        opacity: whether the fourth of four 8-bit bands may be opacity.

    Raises:
        OptionError: a chosen band does not exist.
    """
    count = bands.shape[-1]
    if chosen is not None:
        missing = [band for band in chosen if not -count <= band < count]
        if missing:
            raise OptionError(
                f"bands={chosen!r} asks for band {missing[0]}, and the picture has {count}: 0 to {count - 1}"
            )
        return eight_bit(bands[..., list(chosen)], together=len(set(chosen)) == 1 or count <= FEW)
    if bands.dtype == np.uint8 and count == 4 and opacity:
        return _over_white(bands)
    if count > 3:
        bands = eight_bit(bands[..., [0, count // 2, count - 1]], together=False)
    elif count == 2:
        bands = bands[..., [0, 1, 1]]
    elif count == 1:
        return np.repeat(stretch(bands), 3, axis=-1)
    return stretch(bands)


def eight_bit(bands: np.ndarray, *, together: bool | None = None) -> np.ndarray:
    """Return (*grid, C) values as uint8, all bands kept; see `stretch`.

    Args:
        bands: (*grid, C) ndarray.
        together: stretch all bands together or each by itself; up to four together by default.
    """
    if bands.dtype == np.uint8:
        return bands
    if bands.shape[-1] <= FEW if together is None else together:
        return stretch(bands)
    return np.stack([stretch(bands[..., i]) for i in range(bands.shape[-1])], axis=-1)


def stretch(values: np.ndarray) -> np.ndarray:
    """Return values as uint8, the smallest finite one 0 and the largest 255; constant values are mid-grey.

    Of many values one in a thousand at each end is cut off.  What is not finite becomes 0.
    8-bit values are returned as they are.
    """
    if values.dtype == np.uint8:
        return values
    numbers = np.abs(values) if np.iscomplexobj(values) else np.asarray(values)
    numbers = numbers.astype(np.float32 if numbers.dtype.itemsize <= 2 else np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return np.zeros(numbers.shape, np.uint8)
    low, high = _limits(numbers[finite])
    if low == high:
        return np.where(finite, 128, 0).astype(np.uint8)
    # Halves, so that a span wider than the largest number does not overflow.
    shares = (np.where(finite, numbers, low) / 2 - low / 2) / (high / 2 - low / 2)
    return np.where(finite, np.rint(np.clip(shares, 0, 1) * 255), 0).astype(np.uint8)


def _limits(values: np.ndarray) -> tuple[np.floating, np.floating]:
    """Return what is black and what is white; the extremes themselves where few values differ."""
    off = values.size // OUTLIERS
    if off:
        parted = np.partition(values, [off, values.size - 1 - off])
        low, high = parted[off], parted[values.size - 1 - off]
        if low < high:
            return low, high
    return values.min(), values.max()


def _over_white(rgba: np.ndarray) -> np.ndarray:
    opacity = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(255 + opacity * (rgba[..., :3] - np.float32(255))).astype(np.uint8)
