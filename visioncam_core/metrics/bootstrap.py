"""How sure a mean is: intervals by resampling the pictures, seeded."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np

RESAMPLES = 2000
LEVEL = 0.95
FEWEST = 6  # pictures: all of one sign come about by chance once in 64; of five, once in 32, more than 2.5 %


@attrs.frozen
class Interval:
    """A number with its bootstrap interval.

    Attributes:
        value: the number itself.
        low: lower end; NaN where fewer than two pictures are left.
        high: upper end.
        count: pictures it is made of.
    """

    value: float
    low: float
    high: float
    count: int

    @property
    def sign(self) -> int:
        """1 where the whole interval is above zero, -1 where it is below, 0 where the data do not say.

        Fewer than `FEWEST` pictures never say: a bootstrap of them is too narrow, and even a sign that they
        all share may be chance.
        """
        if self.count < FEWEST:
            return 0
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    def __str__(self) -> str:
        """Return the number with its interval."""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def interval(
    values: np.ndarray,
    combine: Callable[[np.ndarray], float] | None = None,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the mean of values with its percentile interval (Efron 1979).

    Args:
        values: (n, ...) one row a picture, without flagged ones.
        combine: rows to one number; the mean by default.
        level: share of the resampled means inside the interval.
        resamples: how many draws of n pictures with replacement.
        seed: of the draws.
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    if count == 0:
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    total = float(values.mean()) if combine is None else float(combine(values))
    if count == 1:
        return Interval(total, float("nan"), float("nan"), 1)
    draws = np.random.default_rng(seed).integers(0, count, (resamples, count))
    means = values[draws].mean(axis=1) if combine is None else np.array([combine(values[d]) for d in draws])
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(total, float(low), float(high), count)
