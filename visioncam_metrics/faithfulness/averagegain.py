"""Average gain."""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import Switches
from visioncam_metrics.faithfulness.averagedrop import SOFT


@attrs.frozen
class AverageGain:
    """How much certainty is gained when only the map's part of the picture is shown.

    Notes:
        gain = max(0, O − Y) / (1 − Y)

        Y: probability of the clean picture; O: of x ∘ M.  A share, 0 to 1; higher is better.  1 − Y and
        1 − O are the sums of the other classes' probabilities, exact also where Y rounds to 1.

    Differences:
        Others subtract from 1, which is 0 in float32 for a certain model.

    References:
        Zhang et al., "Opti-CAM", CVIU 248 (2024) 104101, arXiv:2301.07002.  The paper was not read in
        full here; the formula is the one that xplique's implementation cites it for.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"scores"})

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return SOFT

    def __call__(self, case: Case) -> float:
        """Return the gain of one picture, 0 to 1; NaN where nothing is left to gain."""
        return gain(case.remainder, case.score_of(case.masked, "remainder"))


def gain(clean: float, masked: float) -> float:
    """Return max(0, (1 − Y) − (1 − O)) / (1 − Y) from the two remainders; NaN where 1 − Y is 0."""
    return max(0.0, clean - masked) / clean if clean > 0 else float("nan")
