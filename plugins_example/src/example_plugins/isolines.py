"""Lines of equal evidence on the photo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.display import bands_last, to_rgb
from visioncam_core.errors import ImageError
from visioncam_core.opencv import load_opencv
from visioncam_core.options import in_range, option

if TYPE_CHECKING:
    from visioncam_core.explanation import Explanation

FOR = ((255, 236, 158), (214, 26, 28))  # weakest and strongest line, RGB
AGAINST = ((190, 222, 255), (20, 70, 190))


@attrs.frozen
class Isolines:
    """Lines of equal evidence on the photo, like heights on a hiking map.

    The lines lie at equal steps of the strongest evidence, pale where it is weak and dark where it is strong.
    What speaks against the class, in a signed map, has blue lines.

    Attributes:
        levels: how many lines.
        thickness: of a line in pixels; 0 chooses by the photo's size.
    """

    levels: int = option(3, help="how many lines", validator=in_range(1, 20))
    thickness: int = option(0, help="width of a line; 0 chooses", unit="pixels", validator=in_range(0, 100))

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of a picture.

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: the explanation is of a signal or a volume.
        """
        heat = np.asarray(explanation.heatmap)
        if heat.ndim != 2:
            raise ImageError(
                f"isolines are drawn on a heat map of two axes, this one has shape {heat.shape}; use the "
                "renderer 'overlay'"
            )
        picture = to_rgb(bands_last(np.asarray(explanation.picture), heat.shape)).copy()
        thickness = self.thickness or max(1, round(max(heat.shape) / 300))
        for part, (weak, strong) in ((heat, FOR), (-heat, AGAINST)):
            for level in range(1, self.levels + 1):
                share = level / (self.levels + 1)
                colour = np.asarray(weak) + share * (np.asarray(strong) - np.asarray(weak))
                _outline(picture, part >= share, colour, thickness)
        return picture


def _outline(picture: np.ndarray, area: np.ndarray, colour: np.ndarray, thickness: int) -> None:
    """Draw the outline of an area, in place."""
    cv2 = load_opencv()
    rings = cv2.findContours(area.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
    cv2.drawContours(picture, rings, -1, colour.tolist(), thickness)
