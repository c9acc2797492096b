"""One tile of a sheet, and explanations made as small as their tile before they are rendered.

Rendering at the tile's size keeps notes legible, and a large photo costs no
more than a small one, however many methods are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.display import bands_last
from visioncam_core.opencv import load_opencv

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

THINNEST = 12  # pixels; a picture of fewer rows or columns is repeated where there is text next to it
BLOCKS = 3  # enlarged this often or more, a photo's pixels are shown as blocks


@attrs.frozen(eq=False)
class Tile:
    """A picture and its words.

    Attributes:
        title: the line above it.
        note: the quiet line under the title.
        picture: (H, W, 3) uint8 ndarray.
        failure: why there is no map, written in the picture's place, or empty.
    """

    title: str
    note: str
    picture: np.ndarray
    failure: str = ""


def box_of(explanation: Explanation, tile: int) -> tuple[int, int]:
    """Return the (height, width) in pixels that a tile may have; signals and volumes get twice the width."""
    wide = tile if explanation.heatmap.ndim == 2 else 2 * tile
    return round(1.1 * tile), wide


def fitted_size(shape: tuple[int, ...], box: tuple[int, int]) -> tuple[int, int]:
    """Return the (height, width) that fill a box in a picture's proportions, at least 12 each."""
    height, width = shape[:2]
    factor = min(box[0] / height, box[1] / width)
    if factor >= BLOCKS:
        factor = int(factor)
    return max(round(height * factor), min(THINNEST, box[0])), max(
        round(width * factor), min(THINNEST, box[1])
    )


def fit(picture: np.ndarray, box: tuple[int, int]) -> np.ndarray:
    """Make a rendered picture smaller where it is larger than the box."""
    if picture.shape[0] <= box[0] and picture.shape[1] <= box[1]:
        return picture
    return _resize(picture, fitted_size(picture.shape, box))


def fill_box(explanation: Explanation, box: tuple[int, int]) -> Explanation:
    """Return a picture's explanation made as large or small as fills a box, (height, width) in pixels."""
    return resize_to(explanation, small_picture(explanation, box))


def small_picture(explanation: Explanation, box: tuple[int, int]) -> np.ndarray:
    """Return the explained picture filling a box, with all its bands."""
    values = bands_last(np.asarray(explanation.picture), explanation.heatmap.shape)
    if np.iscomplexobj(values):
        values = np.abs(values)
    if values.dtype != np.uint8:
        values = values.astype(np.float64)
    size = fitted_size(values.shape, box)
    return _resize(values, size).reshape(*size, values.shape[-1])


def resize_to(explanation: Explanation, picture: np.ndarray) -> Explanation:
    """Return a picture's explanation with another picture, and its heat map on that one's pixels."""
    heat = np.nan_to_num(np.asarray(explanation.heatmap, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    return attrs.evolve(explanation, picture=picture, heatmap=_resize(heat, picture.shape[:2]))


def _resize(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resize (h, w[, C]) values: smaller by averaging; larger as blocks or smoothly; heat always smoothly."""
    cv2 = load_opencv()
    height, width = shape[:2]
    if values.shape[:2] == (height, width):
        return values
    grown = min(height / values.shape[0], width / values.shape[1])
    how = cv2.INTER_AREA if grown < 1 else cv2.INTER_LINEAR
    if values.ndim == 3 and grown > 1:
        how = cv2.INTER_NEAREST if grown >= BLOCKS else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(values), (width, height), interpolation=how))
