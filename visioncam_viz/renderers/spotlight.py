"""The photo, dimmed where there is little evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.drawing.blend import mix, rise
from visioncam_viz.drawing.options import BANDS, MIN_SIZE, TITLE, looks
from visioncam_viz.drawing.present import present
from visioncam_viz.drawing.scene import Scene

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

NIGHT = np.array([10, 12, 16], np.uint8)


@attrs.frozen
class Spotlight:
    """The photo in its own colours where the evidence is strong, sinking into the dark elsewhere.

    It is fully lit from half of the strongest evidence upwards.  The sign of the evidence does not count.

    Attributes:
        dim: how dark it gets without evidence: 0 not at all, 1 black.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
        bands: bands shown as red, green and blue.
    """

    dim: float = option(0.8, help="how dark the photo gets without evidence", validator=in_range(0, 1))
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of anything, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        return present(explanation, self._paint, **looks(self))

    def _paint(self, scene: Scene) -> np.ndarray:
        return mix(scene.photo, NIGHT, (1 - rise(scene.heat)) * np.float32(self.dim))
