"""Where the object is, from the picture's own pixels onto the model's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.images.box import Box
from visioncam_core.images.sample import Sample
from visioncam_core.text import brief

Marked = tuple[np.ndarray | None, tuple[Box, ...]]
"""(*space) bool mask on the model's input and boxes on it; None and none where nothing is marked."""


def name_of(item: Sample, number: int) -> str:
    """Return a picture's name: its file's, or its number in the data set."""
    return f"image {number}" if item.source in ("array", "image", "bytes") else item.source


def on_input(mark: Any, item: Sample, space: tuple[int, ...], number: int = 0) -> Marked:
    """Return where the object is on the model's input.

    Args:
        mark: a mask of the picture's own pixels (H, W), a `Box` or (left, top, right, bottom) of pixel
            edges, a list of boxes, or None.
        item: the picture, with its way onto the input.
        space: spatial axes of the input.
        number: the picture's, for messages.
    """
    if mark is None:
        return None, ()
    total, boxes = np.zeros(space, bool), []
    for region in regions(mark, item.space(len(space)), name_of(item, number)):
        if item.geometry is not None:
            way = attrs.evolve(item.geometry, resample="nearest", fill=0)
            region = way.apply(region.astype(np.uint8) * 255)[..., 0] > 127
        total |= region
        if region.ndim == 2 and region.any():
            boxes.append(Box.around(region))
    return total, tuple(boxes)


def regions(mark: Any, size: tuple[int, ...], source: str) -> list[np.ndarray]:
    """Return where the object is on the picture itself, bool masks of its pixels: one, or one for each box.

    `mark` is as in `on_input`, but not None; `size` and `source` are the picture's.
    """
    given = [mark] if isinstance(mark, Box) else mark
    if isinstance(given, list | tuple) and all(isinstance(one, Box) for one in given):
        given = [(one.left, one.top, one.right, one.bottom) for one in given]
    array = np.asarray(given)
    if array.shape == size and array.dtype.kind in "bui":
        return [array != 0]
    if array.shape == (4,):
        array = array[None]
    if array.ndim != 2 or array.shape[1] != 4 or len(size) != 2:
        raise ImageError(
            f"truth for {source!r} must be a mask of its {size} pixels, a box (left, top, right, "
            f"bottom), a list of boxes, or None; received {brief(mark, 60)}"
        )
    found = []
    for left, top, right, bottom in array.tolist():
        if not (0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]):
            raise ImageError(
                f"the box {(left, top, right, bottom)} is not inside the picture {source!r} of width "
                f"{size[1]} and height {size[0]}; boxes are (left, top, right, bottom) in pixels"
            )
        one = np.zeros(size, bool)
        one[round(top) : round(bottom), round(left) : round(right)] = True
        if not one.any():
            raise ImageError(
                f"the box {(left, top, right, bottom)} covers no pixel of the picture {source!r}; boxes are "
                "(left, top, right, bottom) in pixels of the picture, not fractions of it"
            )
        found.append(one)
    return found


def marks(truth: Any, count: int) -> Sequence[Any]:
    if truth is None:
        return [None] * count
    if not isinstance(truth, list | tuple | np.ndarray) or len(truth) != count:
        number = len(truth) if hasattr(truth, "__len__") else 1
        raise ImageError(
            f"truth has {number} mark{'s' * (number != 1)} for {count} picture{'s' * (count != 1)}; pass a "
            "list with one each, or None"
        )
    if all(one is None for one in truth):
        raise ImageError("truth marks no object on any picture; pass a box or mask for one, or truth=None")
    return list(truth)
