"""Entropy of a map."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Switches


@attrs.frozen
class Entropy:
    """How many pixels the map speaks of, as an entropy.

    Notes:
        H = −Σ_p q_p ln q_p,  q = |M| / Σ |M|

        In nats: 0 for one pixel, ln n for a uniform map (10.82 at 224×224).  It describes.

    Differences:
        Quantus calls it complexity, and gives NaN for a signed map.

    References:
        Bhatt et al., "Evaluating and aggregating feature-based model explanations", IJCAI 2020,
        arXiv:2005.00631.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(score=UNASKED)

    def __call__(self, case: Case) -> float:
        """Return the entropy of one map, in nats."""
        a = np.abs(case.heat.astype(np.float64)).ravel()
        q = a[a > 0] / a.sum()
        return float(-(q * np.log(q)).sum())
