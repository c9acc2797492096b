"""How often chance does as well: sign flips of paired differences, corrected for all that are compared."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

LEVEL = 0.025  # one-sided: so often chance may say "better" in all that are compared together
ENUMERATED = 2**16
DRAWS = 10_000
MANY = 1000  # pictures beyond which none are advised


@lru_cache(maxsize=2)
def signs(count: int, most: int = ENUMERATED, draws: int = DRAWS) -> np.ndarray:
    """Return (flips, count) of 1 and -1, the first row all 1: which pairs change places.

    All 2^count of them where these are at most `most`, else seeded draws: with the first row among them the
    share of rows is the Monte Carlo estimate with one added above and below (Phipson and Smyth 2010).
    """
    if 2**count <= most:
        rows = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
    else:
        rows = 1 - 2 * np.random.default_rng(0).integers(0, 2, (min(most, draws), count), np.int8)
        rows[0] = 1
    found = rows.astype(np.float64)
    found.setflags(write=False)
    return found


def chances(flipped: np.ndarray, *, together: bool, scaled: bool = True) -> np.ndarray:
    """Return (m,) how often chance alone does as well as the first row, one-sided.

    Under the null a method and its rival could have changed places on any picture, so each row was as likely
    as the first.

    Args:
        flipped: (flips, m) mean differences, above zero is better; the first row as measured, then for
            every row of `signs`.
        together: corrected for all m by the step-down maximum over common flips (Westfall and Young,
            "Resampling-based multiple testing", 1993); else each by itself.
        scaled: each difference by its own spread first; not needed where all are of one kind, such as ranks.
    """
    scale = np.sqrt((flipped**2).mean(axis=0 if scaled else None))
    table = (flipped / np.where(scale > 0, scale, 1)).round(9)
    if not together:
        return np.asarray((table >= table[0]).mean(axis=0))
    order = np.argsort(-table[0], kind="stable")
    largest = np.maximum.accumulate(table[:, order[::-1]], axis=1)[:, ::-1]  # of this one and those after it
    found = np.empty(len(order))
    found[order] = np.maximum.accumulate((largest >= table[0, order]).mean(axis=0))
    return found


def fewest(compared: int = 1) -> int:
    """Return from how many pictures on a difference can be shown among so many unlike comparisons."""
    return math.ceil(math.log2(compared / LEVEL))


def enough(differences: np.ndarray, compared: int) -> int | None:
    """Return how many pictures would show a difference four times in five, were all like these.

    None where the mean is not above zero, or more than a thousand were needed.

    Args:
        differences: (n,) above zero is better, NaN where there is none.
        compared: how many are corrected for.
    """
    known = differences[np.isfinite(differences)]
    if len(known) < 2 or known.mean() <= 0:
        return None
    reach = NormalDist().inv_cdf(1 - LEVEL / compared) + NormalDist().inv_cdf(0.8)
    count = max((reach * known.std(ddof=1) / known.mean()) ** 2, fewest(compared))
    return math.ceil(count) if count <= MANY else None
