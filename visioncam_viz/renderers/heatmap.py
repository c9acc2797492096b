"""The heat map alone, in colours, on the picture's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_viz.drawing.options import COLORBAR, COLORMAP, MIN_SIZE, TITLE
from visioncam_viz.drawing.present import MAP, present_map

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


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

    colormap: str = COLORMAP
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation.

        Args:
            explanation: of a picture, a signal (drawn as a line on a ribbon), a volume (three planes through
                the strongest evidence) or a video (eight frames).

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        return present_map(explanation, self, (MAP,))
