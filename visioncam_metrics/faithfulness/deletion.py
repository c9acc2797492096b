"""Deletion."""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import STABLE, TRAPEZOID, Measured, Switches
from visioncam_core.metrics.measure import UNORDERED
from visioncam_core.options import in_range, option
from visioncam_metrics.support.fills import MEANING, Fill, filled
from visioncam_metrics.support.order import curve


@attrs.frozen
class Deletion:
    """How fast the probability falls when the strongest pixels are removed first.

    Notes:
        deletion = ∫ p(x with the strongest share t of its pixels filled) dt,  t from 0 to 1

        Lower is better.  All channels of a pixel go together.  Off the data the model was trained on.

    Differences:
        RISE sorts in reversed unstable order; here equal pixels go row by row.  Quantus leaves the clean
        score out and integrates with a step of 1, so that its number grows with the steps.

    References:
        Petsiuk et al., "RISE: Randomized input sampling for explanation of black-box models", BMVC 2018,
        arXiv:1806.07421; definition as in the authors' code.
    """

    steps: int = option(224, help="steps from the picture to nothing", validator=in_range(1, 100_000))
    fill: Fill = option("zero", help="what stands in the place of removed pixels")
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    refuses: ClassVar[frozenset[str]] = UNORDERED

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(
            fill=MEANING[self.fill], mask="hard", steps=self.steps, integration=TRAPEZOID, ties=STABLE
        )

    def __call__(self, case: Case) -> Measured:
        """Return the area under the curve, and the curve."""
        area, points = curve(case, case.x, filled(case, self.fill), self.steps)
        return Measured(area, detail=points)
