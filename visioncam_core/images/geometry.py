"""How a picture becomes a model input, and how a map comes back onto the picture.

A geometry is one part of the picture (`view`) laid on one part of the input
(`area`).  Both are whole pixels, so the way back is exact: it places every
picture pixel's centre on the input and reads the map there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.images.tiling import Window, tiles
from visioncam_core.options.fields import in_range, option
from visioncam_core.resize import STRETCHED, Placement, placed_matrix
from visioncam_core.text import brief, did_you_mean, listing

RESAMPLING = ("nearest", "bilinear", "bicubic", "lanczos")
GREY = 127


@attrs.frozen(eq=False)
class Geometry:
    """A part of a picture, laid on a part of a model's input.

    Attributes:
        name: how it was chosen, such as `"resize"`.
        shape: (H, W) of the picture.
        size: (h, w) of the input.
        view: (top, left, bottom, right) of the part of the picture that the model sees.
        area: (top, left, bottom, right) of the part of the input that it fills.
        resample: one of `RESAMPLING`; Pillow's filters, which are antialiased.
        fill: grey value, 0 to 255, of the input outside `area`.
        resized: (h, w) to which the whole picture is brought before a part is cut from it; None where the
            view alone is resized.
        corner: (top, left) of that part.
    """

    name: str
    shape: tuple[int, int]
    size: tuple[int, int]
    view: Window
    area: Window
    resample: str = "bilinear"
    fill: int = GREY
    resized: tuple[int, int] | None = None
    corner: tuple[int, int] = (0, 0)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Make the model input of a picture.

        Args:
            pixels: (H, W) or (H, W, C) ndarray, uint8, or float32 of 0 to 255.

        Returns:
            (h, w, C) ndarray of the same dtype; C is 1 for a grey picture.
        """
        top, left, bottom, right = self.view
        t, l, b, r = self.area  # noqa: E741
        pixels = pixels if pixels.ndim == 3 else pixels[..., None]
        if self.resized is not None:
            y, x = t + self.corner[0], l + self.corner[1]
            part = _resized(pixels, self.resized, self.resample)[y : y + b - t, x : x + r - l]
        else:
            part = _resized(pixels[top:bottom, left:right], (b - t, r - l), self.resample)
        if part.shape[:2] == self.size:
            return part
        result = np.full((*self.size, part.shape[-1]), self.fill, part.dtype)
        result[t:b, l:r] = part
        return result

    def project(self, heat: np.ndarray, placement: Placement = STRETCHED) -> np.ndarray:
        """Bring a map of the model's input back onto the picture.

        Args:
            heat: (gh, gw) ndarray; any resolution.
            placement: where its values lie on the input; they cover it evenly by default.

        Returns:
            (H, W) float32 ndarray, linear between the map's values; 0 where the model saw nothing.
        """
        if heat.ndim != 2 or heat.size == 0:
            raise ImageError(f"a map to project must have two axes and a value; received shape {heat.shape}")
        rows, columns = (self._weights(axis, heat.shape[axis], placement) for axis in (0, 1))
        result = np.zeros(self.shape, np.float32)
        top, left, bottom, right = self.view
        np.matmul(rows @ heat.astype(np.float32), columns.T, out=result[top:bottom, left:right])
        return result

    def to_input(self, labels: np.ndarray) -> np.ndarray:
        """Return whole numbers (H, W) on the picture's pixels on those of the input, (h, w); -1 beside it."""
        return _read(labels, [self._on_picture(axis) for axis in (0, 1)])

    def to_picture(self, labels: np.ndarray) -> np.ndarray:
        """Return whole numbers (h, w) on the input's pixels on those of the picture; -1 where not seen."""
        places = []
        for axis in (0, 1):
            begin, end = self.ends(axis)
            low, high = self.view[axis], self.view[axis + 2]
            at = np.arange(self.shape[axis])
            inside = (at >= low) & (at < high)
            there = begin + (at + 0.5 - low) * (end - begin) / (high - low)
            places.append(np.where(inside, np.clip(np.floor(there), 0, self.size[axis] - 1), -1).astype(int))
        return _read(labels, places)

    @property
    def pixel(self) -> tuple[float, float]:
        """Height and width of a pixel of the input, in pixels of the picture."""
        high, wide = ((self.view[i + 2] - self.view[i]) / float(np.diff(self.ends(i))[0]) for i in (0, 1))
        return high, wide

    def _on_picture(self, axis: int) -> np.ndarray:
        """Return the picture's pixel that each pixel of the input shows, along one axis; -1 beside it."""
        begin, end = self.ends(axis)
        low, high = self.view[axis], self.view[axis + 2]
        at = np.arange(self.size[axis])
        inside = (at >= self.area[axis]) & (at < self.area[axis + 2])
        there = low + (at + 0.5 - begin) * (high - low) / (end - begin)
        return np.where(inside, np.clip(np.floor(there), 0, self.shape[axis] - 1), -1).astype(int)

    def ends(self, axis: int) -> tuple[float, float]:
        """Return where the view's edges lie on the input."""
        if self.resized is None:
            return self.area[axis], self.area[axis + 2]
        zoom = self.resized[axis] / self.shape[axis]
        return self.view[axis] * zoom - self.corner[axis], self.view[axis + 2] * zoom - self.corner[axis]

    def _weights(self, axis: int, n: int, placement: Placement) -> np.ndarray:
        """Return the (picture pixels of the view, n) matrix that reads a map along one axis."""
        low, high = self.view[axis], self.view[axis + 2]
        begin, end = self.ends(axis)
        return placed_matrix(high - low, n, self.size[axis], begin, end, placement, axis)


@attrs.frozen
class Resize:
    """The whole picture, squeezed into the input; its proportions change."""

    resample: str = option("bilinear", help="filter, antialiased", choices=RESAMPLING)

    def __call__(self, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """Return the geometry for a picture of `shape` and an input of `size`."""
        return Geometry("resize", shape, size, (0, 0, *shape), (0, 0, *size), self.resample)


@attrs.frozen
class CenterCrop:
    """The middle of the picture, in the input's proportions.

    `CenterCrop()` is the usual evaluation crop of ImageNet networks: the middle
    `round(min(H, W) * 224/256)` pixels, bicubic.  The string `"center_crop"` is
    the largest part, bilinear.
    """

    fraction: float = option(
        0.875, help="side of the part, relative to the largest", validator=in_range(0, 1, low_open=True)
    )
    resample: str = option("bicubic", help="filter, antialiased", choices=RESAMPLING)

    def __call__(self, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """Return the geometry for a picture of `shape` and an input of `size`."""
        (H, W), (h, w) = shape, size
        high = max(1, round(min(H, W * h / w) * self.fraction))
        wide = max(1, round(min(W, H * w / h) * self.fraction))
        top, left = (H - high) // 2, (W - wide) // 2
        view = (top, left, top + high, left + wide)
        return Geometry("center_crop", shape, size, view, (0, 0, *size), self.resample)


@attrs.frozen
class Letterbox:
    """The whole picture in its own proportions, with bars at the sides."""

    fill: int = option(GREY, help="value of the bars in every channel", validator=in_range(0, 255))
    resample: str = option("bilinear", help="filter, antialiased", choices=RESAMPLING)

    def __call__(self, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """Return the geometry for a picture of `shape` and an input of `size`."""
        (H, W), (h, w) = shape, size
        high = max(1, round(min(h, H * w / W)))
        wide = max(1, round(min(w, W * h / H)))
        top, left = (h - high) // 2, (w - wide) // 2
        area = (top, left, top + high, left + wide)
        return Geometry("letterbox", shape, size, (0, 0, *shape), area, self.resample, self.fill)


@attrs.frozen
class Tile:
    """The whole picture at its own resolution, in overlapping windows of the input's size.

    Each window is explained for one and the same class, and the maps are laid together.  A side shorter
    than the input's is not enlarged: the rest of the window is filled.
    """

    overlap: float = option(
        0.25,
        help="smallest overlap of neighbouring windows, as a share of a window",
        validator=in_range(0, 0.9),
    )
    fill: int = option(GREY, help="value around a picture that is smaller", validator=in_range(0, 255))

    def windows(self, shape: tuple[int, int], size: tuple[int, int]) -> list[Window]:
        """Return the windows of a picture of `shape` for an input of `size`, row by row."""
        return tiles(shape, size, self.overlap)

    def __call__(self, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """Return the geometry of one window of `shape`, which must not be larger than the input."""
        (H, W), (h, w) = shape, size
        if any(n > side for n, side in zip(shape, size, strict=True)):
            raise OptionError(f"a picture of {H} x {W} makes several inputs of {h} x {w}; fit its windows")
        top, left = (h - H) // 2, (w - W) // 2
        area = (top, left, top + H, left + W)
        return Geometry("tile", shape, size, (0, 0, H, W), area, fill=self.fill)


NAMED: dict[str, Callable[[tuple[int, int], tuple[int, int]], Geometry]] = {
    "resize": Resize(),
    "center_crop": CenterCrop(1.0, "bilinear"),
    "letterbox": Letterbox(),
    "tile": Tile(),
}


def fit(picture: Any, size: tuple[int, int], geometry: object = "resize") -> tuple[np.ndarray, Geometry]:
    """Fit a picture to a model's input (h, w).

    Args:
        picture: a `Picture`, or its (H, W) or (H, W, C) pixels, uint8, or float32 of 0 to 255.
        size: of the input, in pixels.
        geometry: `"resize"`, `"center_crop"`, `"letterbox"`, `"tile"` (a picture no larger than the input),
            or any callable `(shape, size) -> Geometry` such as `CenterCrop(fraction=0.875)`.

    Returns:
        The (h, w, C) values of the same dtype, and the way back.

    Raises:
        OptionError: an unknown geometry (`OptionTypeError`: a value that is none).
        ImageError: a size that is not two whole numbers above 0.
    """
    pixels: np.ndarray = getattr(picture, "exact", picture)
    if len(size) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in size):
        raise ImageError(f"the size to fit to must be two whole numbers above 0; received {brief(size)}")
    height, width = pixels.shape[:2]
    made = geometry_named(geometry)((height, width), (int(size[0]), int(size[1])))
    if not isinstance(made, Geometry):
        raise OptionTypeError(f"geometry {brief(geometry)} must return a Geometry; it returned {brief(made)}")
    return made.apply(pixels), made


def geometry_named(geometry: object) -> Callable[[tuple[int, int], tuple[int, int]], Geometry]:
    """Return the callable that a user's `geometry=` means; raises `OptionError` for an unknown one."""
    if isinstance(geometry, str):
        if geometry not in NAMED:
            hint = did_you_mean(geometry, NAMED) or ";"
            raise OptionError(f"unknown geometry {brief(geometry)}{hint} known: {listing(list(NAMED))}")
        return NAMED[geometry]
    if isinstance(geometry, type):
        raise OptionTypeError(
            f"geometry={geometry.__name__} is a class; have you forgotten the ()? write "
            f"geometry={geometry.__name__}(...)"
        )
    if not callable(geometry):
        raise OptionTypeError(
            f"geometry is a name or a callable (shape, size) -> Geometry; received {brief(geometry)}"
        )
    return geometry


def _read(labels: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    rows, columns = places
    found = labels[np.ix_(rows, columns)]
    return np.where((rows[:, None] < 0) | (columns[None] < 0), -1, found)


def _resized(pixels: np.ndarray, size: tuple[int, int], resample: str) -> np.ndarray:
    from PIL import Image

    if pixels.shape[:2] == size:
        return pixels.copy()
    method, target = Image.Resampling[resample.upper()], size[::-1]
    together = pixels.shape[-1] == 3 and pixels.dtype == np.uint8
    parts = [pixels] if together else np.moveaxis(pixels, -1, 0)
    resized = [np.asarray(Image.fromarray(np.ascontiguousarray(one)).resize(target, method)) for one in parts]
    return resized[0].copy() if together else np.clip(np.stack(resized, axis=-1), 0, 255)  # floats overshoot
