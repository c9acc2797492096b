"""Large pictures in overlapping windows: where they lie, and how their maps become one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from visioncam_core.errors import ImageError, OptionError
from visioncam_core.resize import resize

Window = tuple[int, int, int, int]
"""(top, left, bottom, right), the last two beyond it."""


def tiles(shape: tuple[int, int], size: tuple[int, int], overlap: float = 0.25) -> list[Window]:
    """Cover a picture (H, W) with windows (h, w), evenly spread, the last ending at the edge, row by row.

    A window is cut down where the picture is smaller; it shares at least `overlap` of its side, 0 up to 0.9,
    with the next.

    Raises:
        OptionError: `overlap` is out of its range.
    """
    if not 0 <= overlap <= 0.9:
        raise OptionError(f"overlap of the tiles must be from 0 to 0.9; received {overlap!r}")
    if min(*shape, *size) < 1:
        raise ImageError(f"tiles need a picture and a window of at least 1 x 1; received {shape} and {size}")
    rows, columns = (_starts(n, min(n, side), overlap) for n, side in zip(shape, size, strict=True))
    high, wide = min(shape[0], size[0]), min(shape[1], size[1])
    return [(top, left, top + high, left + wide) for top in rows for left in columns]


def stitch(
    maps: Sequence[np.ndarray],
    boxes: Sequence[Window],
    shape: tuple[int, int],
    place: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Average the maps of overlapping windows into (H, W) float32; 0 where no window lies.

    The weight of a pixel is its distance from the window's nearest edges, one factor an axis, so that no seam
    shows.  Values keep their scale: the maps of one picture are compared, never normalised one by one.

    Args:
        maps: one (gh, gw) ndarray a window, at any resolution.
        boxes: their places, as `tiles` returns them.
        shape: (H, W) of the picture.
        place: brings a map onto the pixels of its window; by default it is resized.

    Raises:
        ImageError: the numbers of maps and boxes differ.
    """
    if len(maps) != len(boxes):
        raise ImageError(f"every tile needs its map; received {len(maps)} maps for {len(boxes)} boxes")
    total = np.zeros(shape, np.float32)
    weight = np.zeros(shape, np.float32)
    for heat, (top, left, bottom, right) in zip(maps, boxes, strict=True):
        w = np.outer(_taper(bottom - top), _taper(right - left)).astype(np.float32)
        total[top:bottom, left:right] += w * (
            resize(heat, (bottom - top, right - left)) if place is None else place(heat)
        )
        weight[top:bottom, left:right] += w
    np.divide(total, weight, out=total, where=weight > 0)
    return total


def _starts(n: int, side: int, overlap: float) -> list[int]:
    """Return where windows of `side` begin on an axis of `n` pixels."""
    step = max(1, math.floor(side * (1 - overlap)))
    count = 1 + math.ceil((n - side) / step)
    return [round(start) for start in np.linspace(0, n - side, count)]


def _taper(n: int) -> np.ndarray:
    place = (np.arange(n) + 0.5) / n
    return np.minimum(place, 1.0 - place)
