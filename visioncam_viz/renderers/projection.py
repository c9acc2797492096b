"""A volume seen through: its brightest values and its strongest evidence along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import option
from visioncam_viz.drawing.options import ALPHA, BANDS, COLORBAR, COLORMAP, MIN_SIZE, TITLE
from visioncam_viz.drawing.present import present_map
from visioncam_viz.drawing.volume import projections

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class Projection:
    """Maximum projections: one along each axis, or along a single one.

    Attributes:
        axis: 0, 1 or 2: the axis to look along; None shows all three.
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        min_size: pixels that the volume's longest side shall have at least.
        bands: bands shown as red, green and blue.
    """

    axis: int | None = option(None, help="axis to look along; all three by default", choices=(None, 0, 1, 2))
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
        """
        return present_map(explanation, self, cut=lambda whole: projections(whole, self.axis))
