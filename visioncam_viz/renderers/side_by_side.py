"""The photo, and beside it the map over the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import option
from visioncam_viz.drawing.blend import blend
from visioncam_viz.drawing.colour import colour_table
from visioncam_viz.drawing.options import ALPHA, BANDS, COLORBAR, COLORMAP, MIN_SIZE, TITLE, looks
from visioncam_viz.drawing.present import photo_only, present

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class SideBySide:
    """Photo and overlay, for a reader who wants to see what is under the colours.

    Attributes:
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        labels: write what each picture is below it.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        min_size: pixels that the longer side of each picture shall have at least.
        bands: bands shown as red, green and blue.
    """

    colormap: str = COLORMAP
    alpha: float = ALPHA
    labels: bool = option(False, help="write what each picture is below it")
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
        return present(
            explanation,
            {
                "Input": photo_only,
                "Evidence on it": lambda scene: blend(scene, table, self.alpha),
            },
            table=table,
            **looks(self),
        )
