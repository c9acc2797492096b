"""How sure a mean is: the interval that fits the metric and its numbers, or the word that none does."""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np

LEVEL = 0.95
UNBOUNDED = (-float("inf"), float("inf"))
NONE = "no valid interval"
DRAWS = 4000
ROUNDING = 1e-6  # a correlation of float32 maps may pass 1 by so much
LEAN, LEANING = 0.5, 1.5  # skewness from which t misses too often where there are bounds to use, and at all
ALIKE = 6  # one value taken by more than a sixth of the pictures is a heap, and no t interval holds there


@attrs.frozen
class Interval:
    """A number with its interval.

    Attributes:
        value: the number itself.
        low: lower end; NaN if there is no valid interval.
        high: upper end.
        count: pictures it is made of.
        how: "t", "Clopper-Pearson", "Gaffke", or "no valid interval".
    """

    value: float
    low: float
    high: float
    count: int
    how: str = NONE

    def __str__(self) -> str:
        """Return the number with its interval."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(
    values: np.ndarray, bounds: tuple[float, float] = UNBOUNDED, *, level: float = LEVEL
) -> Interval:
    """Return the mean of values with an interval that covers the true mean as often as it says.

    0/1 numbers get Clopper and Pearson's (1934).  Others get Student's t, unless more than a sixth are one
    value, or they lean to a side (skewness above 0.5 where there are bounds, else above 1.5).  Then bounds
    lead to the one of Gaffke ("Three test statistics for a nonparametric one-sided hypothesis on the mean of
    a nonnegative variable", 2005), which needs no shape, and without bounds none is honest.

    Args:
        values: (n,) one a picture, without flagged ones.
        bounds: smallest and largest number that the metric can give.
        level: share of all data sets whose interval holds the true mean.
    """
    values = np.asarray(values, np.float64)
    count, nan = len(values), float("nan")
    mean = float(values.mean()) if count else nan
    if count < 2:
        return Interval(mean, nan, nan, count)
    from scipy import stats

    low, high = bounds
    bounded = np.isfinite(bounds).all() and np.abs(values - values.clip(low, high)).max() < ROUNDING
    heap = np.unique(values.round(9), return_counts=True)[1].max() > max(1, count // ALIKE)
    lean = 0.0 if heap else abs(float(stats.skew(values)))
    if bounded and np.isin(values, bounds).all():
        hits, how = stats.binomtest(int((values == high).sum()), count), "Clopper-Pearson"
        ends = [low + float(end) * (high - low) for end in hits.proportion_ci(level)]
    elif bounded and (heap or lean > LEAN):
        ends, how = _gaffke(values.clip(low, high), bounds, level), "Gaffke"
    elif heap or lean > LEANING:
        ends, how = [nan, nan], NONE
    else:
        ends, how = stats.t.interval(level, count - 1, mean, stats.sem(values)), "t"
        ends = [float(end) for end in np.clip(ends, *(bounds if bounded else UNBOUNDED))]
    return Interval(mean, ends[0], ends[1], count, how)


def _gaffke(values: np.ndarray, bounds: tuple[float, float], level: float) -> list[float]:
    """Return the quantiles of means with drawn weights, one more picture standing at the bound."""
    weights, tail = _weights(len(values) + 1), (1 - level) / 2
    return [
        float(np.quantile(weights @ np.append(values, bound), share))
        for bound, share in zip(bounds, (tail, 1 - tail), strict=True)
    ]


@lru_cache(maxsize=4)
def _weights(count: int) -> np.ndarray:
    return np.random.default_rng(0).dirichlet(np.ones(count), DRAWS)
