"""The pointing game, by the maximum and by energy."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Measured, Switches
from visioncam_core.metrics.measure import UNORDERED
from visioncam_core.options import in_range, option
from visioncam_metrics.support.switches import constant


@attrs.frozen
class PointingGame:
    """Whether the map's strongest pixel lies on the object, or close to it.

    Notes:
        hit = 1 where the strongest pixel is at most `tolerance` pixels from the object, else 0

        Pixels of the picture, however it was fitted to the model; of the input where the model was given
        that.  Of equally strong pixels the first counts, row by row.  Higher is better.  The share of the
        input that hits, what a pixel anywhere gets, is reported with it as `uniform`: objects in the middle
        or a wide tolerance make it large.  Landing on the object is not faithfulness to the model.

    Differences:
        The paper averages within each class first.  A picture without an object is left out and counted;
        Quantus scores it as a hit.  A constant map, which hits every object, is flagged.

    References:
        Zhang et al., "Top-down neural attention by excitation backprop", IJCV 2018, arXiv:1608.00507;
        tolerance as in TorchRay.
    """

    tolerance: float = option(15.0, help="how far outside the object still hits",
                              unit="pixels of the picture",
                              validator=in_range(0, 10_000))  # fmt: skip
    needs: ClassVar[frozenset[str]] = frozenset({"truth"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    refuses: ClassVar[frozenset[str]] = UNORDERED

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        around = f"the object and {self.tolerance:g} pixels of the picture around it"
        return Switches(score=UNASKED, mask=around, ties="the first of the strongest, row by row")

    def __call__(self, case: Case) -> Measured:
        """Return 1 for a hit, 0 for a miss."""
        from scipy.ndimage import distance_transform_edt

        assert case.truth is not None
        hits = distance_transform_edt(~case.truth, case.pixel) <= self.tolerance
        return Measured(float(hits.flat[case.heat.argmax()]), uniform=float(hits.mean()))


@attrs.frozen
class EnergyPointingGame:
    """How much of the map lies on the object.

    Notes:
        energy = Σ_{p in object} M_p / Σ_p M_p

        0 to 1; higher is better.  A uniform map scores the object's share of the picture, which is reported
        with it as `uniform`.

    Differences:
        For maps that are not negative it is Quantus' relevance mass accuracy.

    References:
        Wang et al., "Score-CAM", CVPRW 2020, arXiv:1910.01279, section 4.3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"truth"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(Switches(score=UNASKED))

    def __call__(self, case: Case) -> Measured:
        """Return the share of one map on the object."""
        assert case.truth is not None
        heat = case.heat.astype(np.float64)
        return Measured(float(heat[case.truth].sum() / heat.sum()), uniform=float(case.truth.mean()))
