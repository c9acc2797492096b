"""Average drop, and who wins it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import Switches

SOFT = Switches(fill="the picture times the map: zero as model input", mask="soft")


@attrs.frozen
class AverageDrop:
    """How much of the probability is lost when only the map's part of the picture is shown.

    Notes:
        drop = max(0, Y − O) / Y

        Y: probability of the clean picture; O: of x ∘ M, as model input.  A share, 0 to 1; lower is better.
        Alone it is worthless: a map of ones but for one pixel (Fake-CAM) has a drop near 0.

    Differences:
        Multiplying pixels of 0 to 1 before preprocessing is another measure (4.92 % where this gives
        0.77 %), and so is keeping the strongest half of the pixels, as Score-CAM's paper does.

    References:
        Chattopadhay et al., "Grad-CAM++", WACV 2018, arXiv:1710.11063, section 4.1 (the printed formula
        leaves out the division by N, its text does not).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"scores"})

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return SOFT

    def __call__(self, case: Case) -> float:
        """Return the drop of one picture, 0 to 1."""
        return drop(case.probability, case.score_of(case.masked))


def drop(clean: float, masked: float) -> float:
    """Return max(0, Y − O) / Y; NaN where Y is 0."""
    return max(0.0, clean - masked) / clean if clean > 0 else float("nan")


def win(drops: Sequence[float] | np.ndarray, others: Sequence[float] | np.ndarray) -> tuple[float, int]:
    """Return the share of pictures on which the first drops less, ties counted half, and the ties.

    Grad-CAM++'s paper does not say what becomes of ties; its pairs add up to 100.

    Args:
        drops: (N,) drops of one method; NaN leaves a picture out.
        others: (N,) drops of another.
    """
    a, b = np.asarray(drops, np.float64), np.asarray(others, np.float64)
    both = np.isfinite(a) & np.isfinite(b)
    ties = int((a[both] == b[both]).sum())
    if not both.any():
        return float("nan"), 0
    return float((a[both] < b[both]).mean() + 0.5 * ties / both.sum()), ties
