"""Average drop, average gain and increase: the probability when only the map's part is shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import Switches
from visioncam_metrics.support.switches import constant

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
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(SOFT)

    def __call__(self, case: Case) -> float:
        """Return the drop of one picture, 0 to 1."""
        return drop(case.probability, case.score_of(case.masked))


def drop(clean: float, masked: float) -> float:
    """Return max(0, Y − O) / Y; NaN where Y is 0.  Of the two remainders it is the gain."""
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


@attrs.frozen
class AverageGain:
    """How much confidence is gained if only the map's part of the picture is shown.

    Notes:
        gain = max(0, O − Y) / (1 − Y)

        Y: probability of the clean picture; O: of x ∘ M.  A share, 0 to 1; higher is better.  1 − Y and
        1 − O are the sums of the other classes' probabilities, exact also where Y rounds to 1.

    Differences:
        Others subtract from 1, which is 0 in float32 for a certain model.

    References:
        Zhang et al., "Opti-CAM", CVIU 248 (2024) 104101, arXiv:2301.07002.  The paper was not read in
        full here; the formula is the one that xplique's implementation cites it for.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(SOFT)

    def __call__(self, case: Case) -> float:
        """Return the gain of one picture, 0 to 1; NaN where nothing is left to gain."""
        return drop(case.remainder, case.score_of(case.masked, "remainder"))


@attrs.frozen
class Increase:
    """On how many pictures the model is more confident about the masked picture than about the whole one.

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
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(SOFT)

    def __call__(self, case: Case) -> float:
        """Return 1 or 0 for one picture."""
        return float(case.probability < case.score_of(case.masked))
