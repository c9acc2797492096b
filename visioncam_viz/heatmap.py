"""The heat map alone, in colours, on the picture's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.colour import colour_table, colourise, known_colormap
from visioncam_viz.panel import frame, prepare

if TYPE_CHECKING:
    from visioncam_core.explanation import Explanation


@attrs.frozen
class Heatmap:
    """Each value in its colour; nothing of the photo.

    The picture has the photo's own size unless `min_size`, a title or a colour bar ask for
    more; then a small one is enlarged in whole steps, to at least 320 pixels.

    Attributes:
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        min_size: pixels that the longer side shall have at least.
    """

    colormap: str = option("auto", help="matplotlib colour map, or auto", validator=known_colormap)
    colorbar: bool = option(False, help="draw the scale below the picture")
    title: bool = option(False, help="write class, certainty, method and layer above the picture")
    min_size: int = option(
        0, help="enlarge small pictures to at least this", unit="pixels", validator=in_range(0, 4096)
    )

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation.

        Args:
            explanation: of a picture, a signal (drawn as a line on a ribbon) or a volume (its middle slices).

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        scene = prepare(explanation, min_size=self.min_size, words=self.title or self.colorbar)
        table = colour_table(self.colormap, signed=scene.signed)
        picture = scene.finish(colourise(scene.heat, table, signed=scene.signed))
        return frame(picture, explanation, table, blank=scene.blank, title=self.title, colorbar=self.colorbar)
