"""How well the map's area covers the object."""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Measured, Switches
from visioncam_core.options import option
from visioncam_core.results.areas import check_threshold, mask


@attrs.frozen
class IoU:
    """How well the area above a threshold covers the object: intersection over union.

    Notes:
        IoU = |{M ≥ τ} ∩ object| / |{M ≥ τ} ∪ object|

        0 to 1; higher is better.  A uniform map, whose area is the whole picture, scores the object's share,
        which is reported with it as `uniform`.

    Differences:
        Grad-CAM++'s own measure (its equation 26) is another ratio: inside pixels over box area plus
        outside pixels.

    References:
        Threshold of a fifth of the maximum as in Zhou et al., CVPR 2016, arXiv:1512.04150.
    """

    threshold: float | str = option(
        0.2,
        help="share of the maximum, 'otsu', or a percentile such as 'p90'",
        validator=lambda metric, field, value: check_threshold(value),
    )
    needs: ClassVar[frozenset[str]] = frozenset({"truth"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(score=UNASKED, mask=f"hard, threshold {self.threshold}")

    def __call__(self, case: Case) -> Measured:
        """Return the intersection over union of one map."""
        assert case.truth is not None
        found = mask(case.heat, self.threshold)
        both, either = (found & case.truth).sum(), (found | case.truth).sum()
        return Measured(float(both / either), uniform=float(case.truth.mean()))
