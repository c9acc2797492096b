"""Boxes around the places with evidence, each with its share of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_core.results.areas import THRESHOLD, AreaBox, parts_above
from visioncam_viz.drawing.blend import blend
from visioncam_viz.drawing.colour import colour_table
from visioncam_viz.drawing.options import BANDS, MIN_SIZE, SMALL, TITLE, looks
from visioncam_viz.drawing.present import present
from visioncam_viz.drawing.scene import Scene, level_of
from visioncam_viz.drawing.text import INK, draw, line_height, width_of

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

FOR = (255, 214, 10)
AGAINST = (94, 197, 255)
TINT = 0.45  # opacity of the map under the boxes


@attrs.frozen
class Boxes:
    """The photo with a box around each connected area above a threshold, most evidence first.

    The number is the share of all the map's evidence that lies in the area: it is not the confidence of a
    detector.  Evidence against, in a signed map, has boxes of another colour.

    Attributes:
        threshold: from where on evidence counts.
        most: the number of boxes drawn at most.
        overlay: lay the map faintly under the boxes.
        width: thickness of the lines in pixels; 0 fits it to the picture.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
        bands: bands shown as red, green and blue.
    """

    threshold: float | str = THRESHOLD
    most: int = option(10, help="draw at most this many boxes", validator=in_range(1, 1000))
    overlay: bool = option(True, help="lay the map faintly under the boxes")
    width: int = option(
        0, help="thickness of the lines; 0 for automatic", unit="pixels", validator=in_range(0, 100)
    )
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of anything, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        level = level_of(explanation, self.threshold)
        return present(explanation, lambda scene: self._paint(scene, level), **looks(self))

    def _paint(self, scene: Scene, level: float) -> np.ndarray:
        table = colour_table("auto", signed=scene.signed)
        picture = blend(scene, table, TINT) if self.overlay else scene.photo.copy()
        found = [part.box for part in parts_above(scene.heat, level)][: self.most]
        longest = max(picture.shape[:2])
        thickness = self.width or max(round(longest / 220), 1 if longest < SMALL else 2)
        for box in reversed(found):
            _frame(picture, box, thickness)
        for box in reversed(found):
            _label(picture, box, thickness, max(round(longest / 38), 12))
        return picture


def _frame(picture: np.ndarray, box: AreaBox, thickness: int) -> None:
    """Draw a box's edges just inside it, in place, on a dark rim where they are not as thin as can be."""
    rims = ((1, INK),) if thickness > 1 else ()
    for grow, colour in (*rims, (0, AGAINST if box.score < 0 else FOR)):
        left, top = max(box.left - grow, 0), max(box.top - grow, 0)
        right, bottom = box.right + grow, box.bottom + grow
        edge = thickness + 2 * grow
        for part in (
            np.s_[top : top + edge, left:right],
            np.s_[max(bottom - edge, 0) : bottom, left:right],
            np.s_[top:bottom, left : left + edge],
            np.s_[top:bottom, max(right - edge, 0) : right],
        ):
            picture[part] = colour


def _label(picture: np.ndarray, box: AreaBox, thickness: int, size: int) -> None:
    """Write a box's share of the evidence, in place, above its upper left corner or just within."""
    words = f"{share_of(box.score)} of the evidence"
    if width_of(words, size, True) + size > box.width:
        words = share_of(box.score)
    height, width = line_height(size), width_of(words, size, True) + size
    if width > picture.shape[1] / 2 or height > picture.shape[0] / 4:
        return
    top = int(box.top) + (-height if box.top >= height else thickness)
    left = min(int(box.left), picture.shape[1] - width)
    picture[top : top + height, left : left + width] = AGAINST if box.score < 0 else FOR
    draw(picture, words, left + size // 2, top, size, colour=INK, bold=True)


def share_of(score: float) -> str:
    """Return a share in words: `62 %`, `−8 %`, `< 1 %`."""
    percent = round(100 * abs(score))
    sign = "\u2212" if score < 0 else ""
    return f"{sign}{percent} %" if percent else f"{sign}< 1 %"
