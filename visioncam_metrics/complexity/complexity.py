"""Complexity."""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import UNASKED, Switches


@attrs.frozen
class Complexity:
    """How much of the picture the map covers, on average.

    Notes:
        complexity = mean of M over the picture

        0 to 1.  One term of ADCC, where lower is better; by itself a small map is not a better one.

    Differences:
        Bhatt et al. call the entropy of a map its complexity; that one is `entropy` here.

    References:
        Poppi et al., "Revisiting the evaluation of class activation mapping for explainability",
        CVPRW 2021, arXiv:2104.10252.
    """

    needs: ClassVar[frozenset[str]] = frozenset()

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(score=UNASKED)

    def __call__(self, case: Case) -> float:
        """Return the mean of the map of one picture."""
        return float(case.heat.mean(dtype="float64"))
