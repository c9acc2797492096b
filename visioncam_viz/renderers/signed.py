"""Evidence for and against in opposite colours, zero neutral, on a grey photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.drawing.blend import blend, mix
from visioncam_viz.drawing.caption import NOTHING, ONE_SIDED
from visioncam_viz.drawing.colour import DIVERGING, ColourMap, colour_table, known_colormap
from visioncam_viz.drawing.options import BANDS, COLORBAR, MIN_SIZE, TITLE, looks
from visioncam_viz.drawing.present import present
from visioncam_viz.drawing.scene import Scene, heat_of, is_blank, smoothed

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
PALE = np.float32(0.35)  # how much white is mixed into the grey photo


@attrs.frozen
class Signed:
    """Red for, blue against; the photo is grey and pale, so that all colour is evidence.

    Explain with `evidence="signed"` to see both.  An explanation that holds only one side is drawn in
    that side's colour, and the picture says so.

    Attributes:
        colormap: a diverging matplotlib colour map, or its name.
        alpha: opacity of the colours, 0 to 1.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
        bands: bands shown as red, green and blue.
    """

    colormap: ColourMap = option(DIVERGING, help="diverging matplotlib colour map", validator=known_colormap)
    alpha: float = option(0.85, help="opacity of the colours", validator=in_range(0, 1))
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of anything, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        table = colour_table(self.colormap, signed=True)
        words = NOTHING if is_blank(explanation) else ONE_SIDED
        return present(
            _as_signed(explanation),
            lambda scene: blend(grey_photo(scene), table, self.alpha),
            table=table,
            note=words.get(explanation.evidence, ""),
            **looks(self),
        )


def _as_signed(explanation: Explanation) -> Explanation:
    """Return a one-sided explanation as a signed one: evidence against below zero."""
    explanation = smoothed(explanation)
    if explanation.evidence == "signed":
        return explanation
    heat = heat_of(explanation)
    return attrs.evolve(
        explanation, heatmap=-heat if explanation.evidence == "against" else heat, evidence="signed"
    )


def grey_photo(scene: Scene) -> Scene:
    """Return the scene with its photo in pale grey."""
    grey = np.rint(scene.photo @ LUMA).astype(np.uint8)
    photo = np.repeat(grey[..., None], 3, axis=-1)
    share = np.full(grey.shape, PALE, np.float32)
    return attrs.evolve(scene, photo=mix(photo, np.full(3, 255, np.uint8), share))
