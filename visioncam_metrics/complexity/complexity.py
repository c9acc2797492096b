"""How simple a map is: complexity, sparseness and entropy."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Switches
from visioncam_metrics.support.switches import constant


@attrs.frozen
class Complexity:
    """How much of the picture the map covers, on average.

    Notes:
        complexity = mean of M over the picture

        0 to 1.  One term of ADCC, where lower is better; a small map alone is not a better one.

    Differences:
        Bhatt et al. call the entropy of a map its complexity; that one is `entropy` here.

    References:
        Poppi et al., "Revisiting the evaluation of class activation mapping for explainability",
        CVPRW 2021, arXiv:2104.10252.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(Switches(score=UNASKED))

    def __call__(self, case: Case) -> float:
        """Return the mean of the map of one picture."""
        return float(case.heat.mean(dtype="float64"))


@attrs.frozen
class Sparseness:
    """How unevenly the map is spread: its Gini index.

    Notes:
        Gini = Σ_i (2i − n − 1) a_(i) / (n Σ a),  a_(1) ≤ … ≤ a_(n),  a = |M|

        0 for a uniform map, (n − 1)/n for one pixel.  It is descriptive; a sparse map may be wrong.

    Differences:
        Quantus computes it in place in the caller's array.

    References:
        Chalasani et al., "Concise explanations of neural networks using adversarial training", ICML 2020;
        definition as in Quantus.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(Switches(score=UNASKED))

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


@attrs.frozen
class Entropy:
    """How many pixels the map covers, as an entropy.

    Notes:
        H = −Σ_p q_p ln q_p,  q = |M| / Σ |M|

        In nats: 0 for one pixel, ln n for a uniform map (10.82 at 224×224). It is descriptive.

    Differences:
        Quantus calls it complexity, and gives NaN for a signed map.

    References:
        Bhatt et al., "Evaluating and aggregating feature-based model explanations", IJCAI 2020,
        arXiv:2005.00631.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    switches = constant(Switches(score=UNASKED))

    def __call__(self, case: Case) -> float:
        """Return the entropy of one map, in nats."""
        a = np.abs(case.heat.astype(np.float64)).ravel()
        q = a[a > 0] / a.sum()
        return float(-(q * np.log(q)).sum())
