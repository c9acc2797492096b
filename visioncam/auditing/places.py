"""Where a map's energy lies: on the border, in a corner, outside the object, on what looks like text."""

from __future__ import annotations

import attrs
import numpy as np

BORDER = 0.1  # of each side
CORNER = 0.25  # of each side
CORNERS = ("upper left", "upper right", "lower left", "lower right")
STRONG = 2.0  # an edge is strong from this many times the picture's mean edge on


@attrs.frozen
class Places:
    """Shares of one map's energy, 0 to 1; NaN where the map is blank.

    Attributes:
        border: in the outer tenth of each side.
        corner: in the corner that has most, a quarter of each side.
        which: name of that corner.
        text: share of strong edges in that corner: letters and logos have many, sky and grass few.
        outside: outside the object, or NaN where nobody said where it is.
    """

    border: float
    corner: float
    which: str
    text: float
    outside: float


def places(heat: np.ndarray, grey: np.ndarray, mask: np.ndarray | None) -> Places:
    """Return where the energy of a (H, W) map lies; `grey` is the picture, `mask` True on the object."""
    total = float(heat.sum(dtype=np.float64))
    if total <= 0:
        nan = float("nan")
        return Places(nan, nan, "", nan, nan)
    corners = [float(heat[corner].sum(dtype=np.float64)) / total for corner in corner_slices(heat.shape)]
    most = int(np.argmax(corners))
    strong = edges(grey)
    inner = tuple(slice(_part(n, BORDER), n - _part(n, BORDER)) for n in heat.shape)
    outside = float("nan") if mask is None else float(heat[~mask].sum(dtype=np.float64)) / total
    return Places(
        border=1 - float(heat[inner].sum(dtype=np.float64)) / total,
        corner=corners[most],
        which=CORNERS[most],
        text=float(strong[corner_slices(heat.shape)[most]].mean()),
        outside=outside,
    )


def corner_slices(shape: tuple[int, ...]) -> list[tuple[slice, slice]]:
    """Return the four corners of (H, W), in the order of `CORNERS`."""
    height, width = shape
    h, w = _part(height, CORNER), _part(width, CORNER)
    rows, columns = (slice(0, h), slice(height - h, height)), (slice(0, w), slice(width - w, width))
    return [(row, column) for row in rows for column in columns]


def fair(shape: tuple[int, ...]) -> tuple[float, float]:
    """Return the shares of an even map's energy on the border and in a corner of (H, W)."""
    height, width = shape
    inner = (height - 2 * _part(height, BORDER)) * (width - 2 * _part(width, BORDER))
    return 1 - inner / (height * width), _part(height, CORNER) * _part(width, CORNER) / (height * width)


def edges(grey: np.ndarray) -> np.ndarray:
    from scipy.ndimage import generic_gradient_magnitude, sobel

    strength = generic_gradient_magnitude(grey.astype(np.float64), sobel)
    return np.asarray(strength > STRONG * max(float(strength.mean()), 1e-12))


def _part(length: int, share: float) -> int:
    return max(1, round(length * share))
