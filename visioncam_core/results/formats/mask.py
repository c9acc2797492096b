"""The mask as a grey PNG: 255 where the evidence reaches the threshold, else 0."""

from __future__ import annotations

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.results.areas import THRESHOLD, mask
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.describe import words
from visioncam_core.results.image_files import encode_image


@attrs.frozen
class Mask:
    """`e.mask(...)` on the picture's own pixels.

    Attributes:
        threshold: from where on evidence counts.
    """

    threshold: float | str = THRESHOLD

    def __call__(self, explanation: ExplanationData) -> bytes:
        above = mask(explanation.heatmap, self.threshold)
        if above.ndim != 2:
            raise ImageError(
                f"A mask file holds a map with two axes; this one has shape {above.shape}. Save .npz "
                "instead, or use e.mask()."
            )
        return encode_image(above.astype(np.uint8) * 255, ".png", words(explanation))
