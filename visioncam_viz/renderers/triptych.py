"""Photo, map, and the map over the photo: a figure ready for a report or a paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import option
from visioncam_viz.drawing.options import ALPHA, BANDS, COLORMAP, MIN_SIZE
from visioncam_viz.drawing.present import MAP, ON_PHOTO, PHOTO, present_map

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class Triptych:
    """What the model saw, what the method says, and both together, with title and scale.

    Attributes:
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours over the photo, 0 to 1.
        labels: write what each picture is below it.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        min_size: pixels that the longer side of each picture shall have at least.
        bands: bands shown as red, green and blue.
    """

    colormap: str = COLORMAP
    alpha: float = ALPHA
    labels: bool = option(True, help="write what each picture is below it")
    colorbar: bool = option(True, help="draw the scale below the picture")
    title: bool = option(True, help="write class, certainty, method and layer above the picture")
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of anything, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        return present_map(explanation, self, (PHOTO, MAP, ON_PHOTO))
