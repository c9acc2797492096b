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

COMMON = 64  # places along an axis at which the order of two maps is compared
NAN = math.nan


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
    second_changed: float = NAN
    second_moved: float = NAN


@attrs.frozen
class Group:
    """The pictures of one class, or all of them.

    Attributes:
        name: the old model's answer.
        count: pictures.
        changed: share of other answers.
        moved: mean.
        correlation: mean.
        second_changed: mean of a second run; NaN without one.
        second_moved: mean of a second run; NaN without one.
        chance: how often chance alone moves as much, corrected for all classes; NaN where nothing tells.
        beyond: whether that is rare enough (2.5 %, one-sided); None where too few pictures can show it.
    """

    name: str
    count: int
    changed: Interval
    moved: Interval
    correlation: Interval
    second_changed: float
    second_moved: float
    chance: float = NAN
    beyond: bool | None = None

    @classmethod
    def of(cls, name: str, pictures: Sequence[Change]) -> Group:
        """Return means and intervals, before chance is known."""
        return cls(
            name,
            len(pictures),
            interval(_known(pictures, "changed"), (0.0, 1.0)),
            interval(_known(pictures, "moved"), (0.0, 1.0)),
            interval(_known(pictures, "correlation"), (-1.0, 1.0)),
            interval(_known(pictures, "second_changed")).value,
            interval(_known(pictures, "second_moved")).value,
        )


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
        return 1.0 if any(sums) else NAN
    a, b = (part.astype(np.float64) / total for part, total in zip((one, other), sums, strict=True))
    return min(float(np.abs(a - b).sum()) / 2, 1.0)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two maps of one shape, as means at 64 places an axis."""
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
        second: whether there is a second run.  Then chance is an exact sign-flip test on a class's pictures:
            does the new model move more than the second run?  Otherwise it is the rank test of Mann and
            Whitney (1947): did they move more than the other pictures?  Both are corrected by Holm (1979).
    """
    by_class: dict[str, list[Change]] = defaultdict(list)
    for one in pictures:
        by_class[one.old_answer or one.explained].append(one)
    tests = [_than_second(mine) if second else _than_others(mine, pictures) for mine in by_class.values()]
    found, bests = np.array(tests).T
    order = np.argsort(found, kind="stable")
    found[order] = np.maximum.accumulate(np.arange(len(order), 0, -1) * found[order]).clip(max=1)
    classes = [
        _told(Group.of(name, mine), float(chance), best * len(tests))
        for (name, mine), chance, best in zip(by_class.items(), found, bests, strict=True)
    ]
    classes.sort(key=lambda one: (not one.beyond, -np.nan_to_num(one.moved.value), -one.changed.value))
    whole = Group.of("all pictures", pictures)
    return _told(whole, *_than_second(pictures)) if second else whole, tuple(classes)


def _told(group: Group, chance: float, best: float) -> Group:
    """Return a group with its chance, where `best` is the smallest that they can show; NaN: none."""
    if math.isnan(best):
        return group
    return attrs.evolve(group, chance=chance, beyond=None if best > LEVEL else chance <= LEVEL)


def _known(pictures: Sequence[Change], name: str) -> np.ndarray:
    values = np.array([getattr(one, name) for one in pictures], np.float64)
    return np.asarray(values[np.isfinite(values)])


def _than_second(pictures: Sequence[Change]) -> tuple[float, float]:
    """Return how often chance moves as much more than the second run, and how seldom it can at best."""
    gaps = np.array([one.moved - one.second_moved for one in pictures], np.float64)
    gaps = gaps[np.isfinite(gaps)]
    if len(gaps) > MANY:  # the table of flips would be large, and the mean is normal
        from scipy.stats import ttest_1samp

        return float(ttest_1samp(gaps, 0, alternative="greater").pvalue), 0.0
    if not gaps.size:
        return 1.0, NAN
    flips = signs(len(gaps)) @ gaps / len(gaps)
    return float(chances(flips[:, None], together=False)[0]), 0.5 ** len(gaps)


def _than_others(mine: Sequence[Change], pictures: Sequence[Change]) -> tuple[float, float]:
    """Return how often chance moves a class as much more than the others, and how seldom it can at best."""
    values = _known(mine, "moved")
    numbers = {one.number for one in mine}
    others = _known([one for one in pictures if one.number not in numbers], "moved")
    if not values.size or not others.size or np.ptp([*values, *others]) == 0:
        return 1.0, NAN
    from scipy.stats import mannwhitneyu

    chance = float(mannwhitneyu(values, others, alternative="greater").pvalue)
    return chance, 1 / math.comb(len(values) + len(others), len(values))
