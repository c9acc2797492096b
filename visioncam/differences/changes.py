"""What changed: of one picture, of a class, of all; and how often chance alone changes as much."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import attrs
import numpy as np

from visioncam_core.metrics.chance import LEVEL, MANY, chances, signs
from visioncam_core.metrics.intervals import Interval, interval
from visioncam_core.results.agreement import rank_correlation

ALL = "all pictures"
COMMON = 64  # places along an axis on which the order of two maps is compared


@attrs.frozen
class Change:
    """One picture, as both models see it.

    Attributes:
        source: its name.
        number: in the data set.
        old_answer: the old model's top class; "" where the output is no list of classes.
        new_answer: the new model's, by the old one's name where it has the class.
        changed: 1 where the answers differ, 0 where not; NaN where there are none.
        explained: the class of both maps.
        old_score: its probability where both models give one, else the score that is explained.
        new_score: the same of the new model; NaN where it does not have the class.
        moved: share of the evidence that lies elsewhere, see `moved`; NaN where there is nothing to compare.
        correlation: Spearman's rank correlation of the two maps; NaN where one has no order.
        second_changed: `changed` of a second run in the place of the new model; NaN without one.
        second_moved: `moved` of the same.
    """

    source: str
    number: int
    old_answer: str
    new_answer: str
    changed: float
    explained: str
    old_score: float
    new_score: float
    moved: float
    correlation: float
    second_changed: float = math.nan
    second_moved: float = math.nan


@attrs.frozen
class Group:
    """The pictures of one class, or all of them.

    Attributes:
        name: the old model's answer.
        count: pictures.
        changed: share of another answer.
        moved: mean.
        correlation: mean.
        second_changed: mean of a second run; NaN without one.
        second_moved: mean of a second run; NaN without one.
        chance: how often chance alone moves as much, corrected for all classes; NaN where nothing tells.
        beyond: whether that is rare enough (2.5 %, one-sided); None where there are too few pictures to show.
    """

    name: str
    count: int
    changed: Interval
    moved: Interval
    correlation: Interval
    second_changed: float
    second_moved: float
    chance: float = math.nan
    beyond: bool | None = None

    @property
    def times(self) -> float:
        """How many times as much as a second run the new model moved; NaN without one."""
        return self.moved.value / self.second_moved if self.second_moved > 0 else math.nan


def moved(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of a map's evidence that lies elsewhere in another: ½ Σ |a / Σ|a| - b / Σ|b||.

    That is the total variation distance: 0 for maps of one shape, whatever their scales; 1 for maps that
    share no place, and where one of the two is blank.  NaN where both are.

    Args:
        one: (*space) ndarray on the picture's pixels.
        other: (*space) alike.
    """
    sums = [float(np.abs(part).sum(dtype=np.float64)) for part in (one, other)]
    if not all(sums):
        return 1.0 if any(sums) else math.nan
    a, b = (part.astype(np.float64) / total for part, total in zip((one, other), sums, strict=True))
    return min(float(np.abs(a - b).sum()) / 2, 1.0)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps of one shape, as means over 64 places an axis."""
    return rank_correlation(_coarse(one), _coarse(other))


def _coarse(values: np.ndarray) -> np.ndarray:
    for axis, length in enumerate(values.shape):
        edges = np.linspace(0, length, min(length, COMMON) + 1).astype(int)
        sums = np.add.reduceat(values, edges[:-1], axis, dtype=np.float64)
        values = sums / np.diff(edges).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return values


def summed(pictures: Sequence[Change], second: bool) -> tuple[Group, tuple[Group, ...]]:
    """Return what changed over all pictures, and by class: first what chance does not explain, then the most.

    Args:
        pictures: at least one.
        second: whether there is a second run.  Then chance is an exact sign-flip test on the pictures of a
            class: does the new model move more than the second run?  Otherwise it is Mann and Whitney's
            (1947) on ranks: did they move more than the other pictures?  Over classes both are corrected by
            Holm (1979).
    """
    by_class: dict[str, list[Change]] = defaultdict(list)
    for one in pictures:
        by_class[one.old_answer or one.explained].append(one)
    whole = _group(ALL, pictures)
    if second:
        chance, least = _more_than_second(pictures)
        whole = attrs.evolve(whole, chance=chance, beyond=None if least > LEVEL else chance <= LEVEL)
    tests = [
        _more_than_second(mine) if second else _more_than_others(mine, pictures) for mine in by_class.values()
    ]
    corrected = _holm([chance for chance, _ in tests])
    classes = [
        attrs.evolve(
            _group(name, mine), chance=chance, beyond=None if least * len(tests) > LEVEL else chance <= LEVEL
        )
        for (name, mine), (_, least), chance in zip(by_class.items(), tests, corrected, strict=True)
    ]
    known = [one if one.moved.count else attrs.evolve(one, chance=math.nan) for one in classes]
    return whole, tuple(
        sorted(known, key=lambda one: (not one.beyond, -np.nan_to_num(one.moved.value), -one.changed.value))
    )


def _group(name: str, pictures: Sequence[Change]) -> Group:
    changed, moved, order, second_changed, second_moved = (
        _known(pictures, key) for key in ("changed", "moved", "correlation", "second_changed", "second_moved")
    )
    return Group(
        name,
        len(pictures),
        interval(changed, (0.0, 1.0)),
        interval(moved, (0.0, 1.0)),
        interval(order, (-1.0, 1.0)),
        float(second_changed.mean()) if len(second_changed) else math.nan,
        float(second_moved.mean()) if len(second_moved) else math.nan,
    )


def _known(pictures: Sequence[Change], name: str) -> np.ndarray:
    values = np.array([getattr(one, name) for one in pictures], np.float64)
    return np.asarray(values[np.isfinite(values)])


def _more_than_second(pictures: Sequence[Change]) -> tuple[float, float]:
    """Return how often chance moves as much more than the second run, and how rarely it can at best."""
    gaps = np.array([one.moved - one.second_moved for one in pictures], np.float64)
    gaps = gaps[np.isfinite(gaps)]
    if not len(gaps):
        return 1.0, 1.0
    if len(gaps) > MANY:  # where the table of flips would not fit, and the mean is normal
        from scipy.stats import ttest_1samp

        return float(ttest_1samp(gaps, 0, alternative="greater").pvalue), 0.0
    flips = signs(len(gaps)) @ gaps / len(gaps)
    return float(chances(flips[:, None], together=False)[0]), 0.5 ** len(gaps)


def _more_than_others(mine: Sequence[Change], pictures: Sequence[Change]) -> tuple[float, float]:
    """Return how often chance moves a class's pictures as much more than others, and how rarely at best."""
    numbers = {one.number for one in mine}
    values = _known(mine, "moved")
    others = _known([one for one in pictures if one.number not in numbers], "moved")
    if not len(values) or not len(others) or np.ptp([*values, *others]) == 0:
        return 1.0, 1.0
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(values, others, alternative="greater")
    return float(found.pvalue), 1 / math.comb(len(values) + len(others), len(values))


def _holm(found: Sequence[float]) -> np.ndarray:
    order = np.argsort(found, kind="stable")
    corrected = np.empty(len(order))
    corrected[order] = np.maximum.accumulate(np.arange(len(order), 0, -1) * np.asarray(found)[order]).clip(
        max=1
    )
    return corrected
