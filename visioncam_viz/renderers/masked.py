"""Only the part of the photo with the strongest evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

from visioncam_core.opencv import load_opencv
from visioncam_core.options import in_range, option
from visioncam_viz.drawing.blend import mix
from visioncam_viz.drawing.edges import inside
from visioncam_viz.drawing.options import BANDS, MIN_SIZE, TITLE, looks
from visioncam_viz.drawing.present import present
from visioncam_viz.drawing.scene import Scene, level_of

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

FILLS = {"white": 255, "grey": 128, "black": 0}


@attrs.frozen
class Masked:
    """The strongest `percent` of all pixels; the rest is covered.

    Pixels without any evidence are always covered, so that less than `percent` may be left.  The
    sign of the evidence does not count.

    Attributes:
        percent: how much of the picture to keep.
        fill: what covers the rest: a colour, or "blur", the photo out of focus.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
        bands: bands shown as red, green and blue.
    """

    percent: float = option(
        20.0,
        help="how much of the picture to keep",
        unit="percent",
        validator=in_range(0, 100, low_open=True),
    )
    fill: Literal["white", "grey", "black", "blur"] = option("grey", help="what covers the rest")
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of anything, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        level = level_of(explanation, f"p{100 - self.percent:.6f}")
        return present(explanation, lambda scene: self._paint(scene, level), **looks(self))

    def _paint(self, scene: Scene, level: float) -> np.ndarray:
        cover = _blur(scene.photo) if self.fill == "blur" else np.full(3, FILLS[self.fill], np.uint8)
        return mix(scene.photo, cover, 1 - inside(np.abs(scene.heat), level))


def _blur(photo: np.ndarray) -> np.ndarray:
    """Return the photo far out of focus and paler."""
    cv2 = load_opencv()
    radius = max(photo.shape[:2]) / 40
    soft = cv2.GaussianBlur(photo, (0, 0), radius)
    return np.rint(soft * 0.6 + 255 * 0.4).astype(np.uint8)
