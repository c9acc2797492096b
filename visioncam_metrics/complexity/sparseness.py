"""Sparseness: the Gini index of a map."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Switches


@attrs.frozen
class Sparseness:
    """How unevenly the map is spread: its Gini index.

    Notes:
        Gini = Σ_i (2i − n − 1) a_(i) / (n Σ a),  a_(1) ≤ … ≤ a_(n),  a = |M|

        0 for a uniform map, (n − 1)/n for one pixel.  It describes; a sparse map may be a wrong one.

    Differences:
        Quantus computes it in place in the caller's array.

    References:
        Chalasani et al., "Concise explanations of neural networks using adversarial training", ICML 2020;
        definition as in Quantus.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(score=UNASKED)

    def __call__(self, case: Case) -> float:
        """Return the Gini index of one map."""
        return gini(case.heat)


def gini(values: np.ndarray) -> float:
    """Return the Gini index of |values|; NaN where all are 0."""
    a = np.sort(np.abs(np.asarray(values, np.float64)).ravel())
    n, total = len(a), float(a.sum())
    if total == 0:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) @ a) / (n * total))
