"""The photo, and next to it the map over the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import option
from visioncam_viz.drawing.options import ALPHA, BANDS, COLORBAR, COLORMAP, MIN_SIZE, TITLE
from visioncam_viz.drawing.present import ON_PHOTO, PHOTO, present_map

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
        return present_map(explanation, self, (PHOTO, ON_PHOTO))
