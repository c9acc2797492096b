"""Three planes through a volume, at right angles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import option
from visioncam_viz.drawing.options import ALPHA, BANDS, COLORBAR, COLORMAP, MIN_SIZE, TITLE
from visioncam_viz.drawing.present import present_map
from visioncam_viz.drawing.volume import planes

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class Planes:
    """The planes that meet where the evidence is strongest, or at a place of your own.

    Attributes:
        at: the (depth, height, width) position, counted from 0, or None for the strongest evidence.
        crosshair: draw where the other two planes cross.
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        min_size: pixels that the volume's longest side shall have at least.
        bands: bands shown as red, green and blue.
    """

    at: tuple[int, int, int] | None = option(None, help="where they meet; the strongest evidence by default")
    crosshair: bool = option(True, help="draw where the other two planes cross")
    colormap: str = COLORMAP
    alpha: float = ALPHA
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of a volume, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the explanation is of something else.
            OptionError: a position outside the volume.
        """
        return present_map(
            explanation, self, cut=lambda whole: planes(whole, self.at, crosshair=self.crosshair)
        )
