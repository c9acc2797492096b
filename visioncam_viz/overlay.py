"""The heat map over the photo: the paper's saliency picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.colour import colour_table, colourise, known_colormap
from visioncam_viz.panel import frame, prepare
from visioncam_viz.scene import Scene

if TYPE_CHECKING:
    from visioncam_core.explanation import Explanation

FULL = np.float32(0.5)  # share of the strongest evidence from which on a colour is at its full opacity
BAND = 500_000  # pixels blended at a time; bounds the memory a large photo takes


@attrs.frozen
class Overlay:
    """The map's colours blended over the photo.

    A pixel's opacity is `alpha` from half of the strongest evidence upwards and falls
    smoothly to nothing below (`by_value`), so that low evidence does not tint the photo.
    With `by_value=False` it is `alpha` everywhere: `alpha=0` gives the photo, `alpha=1`
    the colour map.  Sizes are as in `Heatmap`.

    Attributes:
        colormap: name of a matplotlib colour map; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        threshold: share of the strongest evidence under which the photo is untouched.
        by_value: opacity grows with the evidence.
        colorbar: draw the scale below.
        title: write class, certainty, method and layer above.
        min_size: pixels that the longer side shall have at least.
    """

    colormap: str = option("auto", help="matplotlib colour map, or auto", validator=known_colormap)
    alpha: float = option(0.7, help="opacity of the colours", validator=in_range(0, 1))
    threshold: float = option(
        0.0, help="leave the photo untouched below this share of the strongest", validator=in_range(0, 1)
    )
    by_value: bool = option(True, help="let low evidence tint the photo less")
    colorbar: bool = option(False, help="draw the scale below the picture")
    title: bool = option(False, help="write class, certainty, method and layer above the picture")
    min_size: int = option(
        0, help="enlarge small pictures to at least this", unit="pixels", validator=in_range(0, 4096)
    )

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation.

        Args:
            explanation: of a picture, a signal (a line over a tinted ribbon) or a volume (its middle slices).

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: the map is empty, or not on the picture's grid.
        """
        scene = prepare(explanation, min_size=self.min_size, words=self.title or self.colorbar)
        table = colour_table(self.colormap, signed=scene.signed)
        picture = scene.finish(self._blend(scene, table))
        return frame(picture, explanation, table, blank=scene.blank, title=self.title, colorbar=self.colorbar)

    def _blend(self, scene: Scene, table: np.ndarray) -> np.ndarray:
        """Return photo + opacity (colour - photo), some rows at a time; all photo where the map is blank."""
        if scene.blank:
            return scene.photo.copy()
        height, width = scene.heat.shape
        picture = np.empty_like(scene.photo)
        rows = max(BAND // width, 1)
        for top in range(0, height, rows):
            part = np.s_[top : top + rows]
            photo = scene.photo[part].astype(np.float32)
            colours = colourise(scene.heat[part], table, signed=scene.signed)
            picture[part] = np.rint(photo + self._opacity(scene.heat[part])[..., None] * (colours - photo))
        return picture

    def _opacity(self, heat: np.ndarray) -> np.ndarray:
        """Return each pixel's opacity, (H, W) float32 in [0, alpha]."""
        strength = np.minimum(np.abs(heat), np.float32(1))
        rise = np.minimum(strength / FULL, 1)
        share = rise * rise * (3 - 2 * rise) if self.by_value else np.ones_like(strength)
        return np.where(strength < self.threshold, np.float32(0), share * np.float32(self.alpha))
