"""A volume's slices in a grid, or a video's frames in a strip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.drawing.options import ALPHA, AXIS, BANDS, COLORBAR, COLORMAP, TITLE
from visioncam_viz.drawing.present import present_map
from visioncam_viz.drawing.volume import strip

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class Slices:
    """Slices spread evenly over an axis, all on one contrast and one scale of evidence.

    Attributes:
        count: how many slices at most; first and last are among them.
        axis: 0, 1 or 2: the axis to cut across; a video's time is 0.
        columns: slices a row; 0 makes the grid about square.
        tile: pixels of a slice's longer side.
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        by_value: let low evidence tint less; switch it off with alpha 1 for the map alone.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        bands: bands shown as red, green and blue.
    """

    count: int = option(12, help="how many slices at most", validator=in_range(1, 400))
    axis: int = AXIS
    columns: int = option(0, help="slices a row; 0 chooses", validator=in_range(0, 400))
    tile: int = option(200, help="longer side of a slice", unit="pixels", validator=in_range(16, 2048))
    colormap: str = COLORMAP
    alpha: float = ALPHA
    by_value: bool = option(True, help="let low evidence tint the photo less")
    colorbar: bool = COLORBAR
    title: bool = TITLE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of a volume or video, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the explanation is of something else.
        """
        return present_map(
            explanation,
            self,
            by_value=self.by_value,
            cut=lambda whole: strip(whole, self.axis, self.count, self.tile, self.columns),
        )
