"""Lines of equal evidence on the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.errors import OptionError
from visioncam_core.options import in_range, option
from visioncam_core.results.areas import check_threshold
from visioncam_viz.drawing.colour import ColourMap, colour_table, levels
from visioncam_viz.drawing.edges import lines, stroke
from visioncam_viz.drawing.options import BANDS, COLORBAR, COLORMAP, MIN_SIZE, SMALL, TITLE, looks
from visioncam_viz.drawing.present import present
from visioncam_viz.drawing.scene import Scene, level_of
from visioncam_viz.drawing.text import INK, WHITE

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

BRIGHT = 120  # mean of a colour above which its edge is dark


def _thresholds(instance: object, attribute: attrs.Attribute[object], value: tuple[float | str, ...]) -> None:
    """Refuse thresholds before anything is computed (an attrs validator)."""
    if not value:
        raise OptionError("levels must name at least one threshold, such as 0.5; received none")
    for threshold in value:
        check_threshold(threshold)


@attrs.frozen
class Contour:
    """The photo untouched but for thin lines, each in the colour of its level.

    Of a signed map the lines of both signs are drawn.

    Attributes:
        levels: thresholds: shares of the maximum, "otsu", or percentiles such as "p95".
        width: thickness of the lines in pixels; 0 fits it to the picture.
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
        bands: bands shown as red, green and blue.
    """

    levels: tuple[float | str, ...] = option(
        (0.25, 0.5, 0.75),
        help="where to draw lines: shares of the maximum, otsu, percentiles such as p95",
        validator=_thresholds,
    )
    width: int = option(
        0, help="thickness of the lines; 0 for automatic", unit="pixels", validator=in_range(0, 100)
    )
    colormap: ColourMap = COLORMAP
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of anything, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        table = colour_table(self.colormap, signed=explanation.evidence == "signed")
        cuts = sorted({level_of(explanation, threshold) for threshold in self.levels})
        return present(explanation, lambda scene: self._paint(scene, table, cuts), table=table, **looks(self))

    def _paint(self, scene: Scene, table: np.ndarray, cuts: list[float]) -> np.ndarray:
        picture = scene.photo.copy()
        longest = max(scene.heat.shape)
        thickness = self.width or max(round(longest / 260), 1 if longest < SMALL else 2)
        rim = thickness + 2 * max(thickness // 2, 1) if thickness > 1 else 0
        for sign in (1, -1) if scene.signed else (1,):
            for cut, paths in zip(cuts, lines(scene.heat * np.float32(sign), cuts), strict=True):
                red, green, blue = table[int(levels(np.asarray(sign * cut), signed=scene.signed))].tolist()
                bright = red + green + blue > 3 * BRIGHT
                if rim:
                    stroke(picture, paths, rim, INK if bright else WHITE, 0.8)
                stroke(picture, paths, thickness, (red, green, blue), 1.0)
        return picture
