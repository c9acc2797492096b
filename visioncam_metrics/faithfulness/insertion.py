"""Insertion."""

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
class Insertion:
    """How fast the probability rises when the strongest pixels are put back first.

    Notes:
        insertion = ∫ p(the fill with the strongest share t of x put in) dt,  t from 0 to 1

        Higher is better.  It starts from the blurred picture, as RISE does.

    Differences:
        RISE blurs with zeros beyond the edges; here edges are mirrored.

    References:
        Petsiuk et al., "RISE: Randomized input sampling for explanation of black-box models", BMVC 2018,
        arXiv:1806.07421; definition as in the authors' code.
    """

    steps: int = option(224, help="steps from nothing to the picture", validator=in_range(1, 100_000))
    fill: Fill = option("blur", help="what it starts from")
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
        area, points = curve(case, filled(case, self.fill), case.x, self.steps)
        return Measured(area, detail=points)
