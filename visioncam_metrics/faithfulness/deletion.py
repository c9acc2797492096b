"""Deletion and insertion."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import STABLE, TRAPEZOID, Measured, Switches
from visioncam_core.metrics.measure import UNORDERED
from visioncam_core.options import in_range, option
from visioncam_metrics.support.fills import MEANING, Fill, fill_picture
from visioncam_metrics.support.order import counts, order


@attrs.frozen
class _Curve:
    steps: int
    fill: Fill
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    refuses: ClassVar[frozenset[str]] = UNORDERED

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(
            fill=MEANING[self.fill], mask="hard", steps=self.steps, integration=TRAPEZOID, ties=STABLE
        )

    def _area(self, case: Case, start: np.ndarray, end: np.ndarray) -> Measured:
        """Return the area under the probability while pixels of `start` are replaced by those of `end`.

        The trapezoid over the true share of pixels replaced, and the (steps + 1,) curve.
        """
        heat = case.heat
        ranks = np.empty(heat.size, np.int64)
        ranks[order(heat)] = np.arange(heat.size)
        taken = counts(heat.size, self.steps)

        def versions(indices: np.ndarray) -> np.ndarray:
            replaced = ranks < taken[indices, None]
            return np.where(replaced.reshape(-1, *heat.shape, 1), end, start)

        found = case.scores(versions, len(taken))
        share = np.diff(taken / heat.size)
        return Measured(float((share * (found[1:] + found[:-1]) / 2).sum()), detail=found)


@attrs.frozen
class Deletion(_Curve):
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
    fill: Fill = option("zero", help="what replaces removed pixels")

    def __call__(self, case: Case) -> Measured:
        """Return the area under the curve, and the curve."""
        return self._area(case, case.x, fill_picture(case, self.fill))


@attrs.frozen
class Insertion(_Curve):
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

    def __call__(self, case: Case) -> Measured:
        """Return the area under the curve, and the curve."""
        return self._area(case, fill_picture(case, self.fill), case.x)
