"""How well the map's area covers the object."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Switches
from visioncam_core.options import option
from visioncam_core.results.areas import mask


@attrs.frozen
class IoU:
    """How well the area above a threshold covers the object: intersection over union.

    Notes:
        IoU = |{M ≥ τ} ∩ object| / |{M ≥ τ} ∪ object|

        0 to 1; higher is better.

    Differences:
        Grad-CAM++'s own measure (its equation 26) is another ratio: inside pixels over box area plus
        outside pixels.

    References:
        Threshold of a fifth of the maximum as in Zhou et al., CVPR 2016, arXiv:1512.04150.
    """

    threshold: float | str = option(0.2, help="share of the maximum, 'otsu', or a percentile such as 'p90'")
    needs: ClassVar[frozenset[str]] = frozenset({"truth"})

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(score=UNASKED, mask=f"hard, threshold {self.threshold}")

    def __call__(self, case: Case) -> float:
        """Return the intersection over union of one map."""
        assert case.truth is not None
        found = mask(case.heat, self.threshold)
        return float((found & case.truth).sum() / (found | case.truth).sum())


def box_iou(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Return the intersection over union of two boxes (left, top, right, bottom) of pixel edges.

    Pixels are counted: with corners that are pixels themselves, it is the convention that adds 1.
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    inside = max(width, 0) * max(height, 0)
    area = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return inside / (area - inside) if area > inside else 0.0


def box_of(truth: np.ndarray) -> tuple[int, int, int, int]:
    """Return the box around a mask (H, W) with at least one pixel."""
    rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
