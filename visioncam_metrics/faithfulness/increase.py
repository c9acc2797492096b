"""Increase in confidence."""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import Switches
from visioncam_metrics.faithfulness.averagedrop import SOFT


@attrs.frozen
class Increase:
    """On how many pictures the map's part alone is more certain than the whole picture.

    Notes:
        increase = 1 where Y < O, else 0

        Y: probability of the clean picture; O: of x ∘ M.  The mean is a share; higher is better.  Strict:
        an equal probability does not count.

    Differences:
        It only counts, so that a map of almost all ones can win it; average gain repairs that.

    References:
        Chattopadhay et al., "Grad-CAM++", WACV 2018, arXiv:1710.11063, section 4.1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"scores"})

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return SOFT

    def __call__(self, case: Case) -> float:
        """Return 1 or 0 for one picture."""
        return float(case.probability < case.score_of(case.masked))
