"""ADCC: average drop, coherency, complexity."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import Measured
from visioncam_metrics.axioms.coherency import coherency
from visioncam_metrics.faithfulness.averagedrop import SOFT, drop
from visioncam_metrics.support.switches import constant


@attrs.frozen
class ADCC:
    """One number that a map of ones cannot win: small, coherent, and keeping the probability.

    Notes:
        ADCC = 3 / (1/coherency + 1/(1 − complexity) + 1/(1 − drop));  0 where a term is 0

        Computed picture by picture, then averaged.  0 to 1; higher is better.  One class in all terms.

    Differences:
        The authors' code takes the clean probability of the top class even if another class is
        explained, and can divide by 0.  pytorch-grad-cam has ARCC instead, with ROAD instead of the drop.

    References:
        Poppi et al., "Revisiting the evaluation of class activation mapping for explainability",
        CVPRW 2021, arXiv:2104.10252.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"scores", "maps"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(SOFT)

    def __call__(self, case: Case) -> Measured:
        """Return ADCC of one picture, with its three terms."""
        lost = drop(case.probability, case.score_of(case.masked))
        terms = np.array([coherency(case), 1 - float(case.heat.mean(dtype="float64")), 1 - lost])
        return Measured(harmonic(terms), detail=terms)


def harmonic(terms: np.ndarray) -> float:
    """Return the harmonic mean; 0 where a term is 0, NaN where one is not known."""
    if np.isnan(terms).any():
        return float("nan")
    return 0.0 if (terms <= 0).any() else float(len(terms) / (1 / terms).sum())
