"""Draws that methods share, so that one picture's scores serve all of them, and how sure they make a map."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from visioncam_core.evidence import Estimate

FIRST = 128
"""Draws in the first step of `until=`; each later one doubles them."""
N_HELP = "scores that are read"
UNTIL_HELP = (
    "stop early, at this standard error as a share of the largest contribution; samples double until then"
)
MOST_HELP = "maximum number of scores read; with until= it replaces n"


def fair_pairs(count: int, regions: int, seed: int) -> np.ndarray:
    """Return (count, R) bool, each kept with probability ½; every second row is what the one before is not.

    The first rows are the same for any count, and for every method.
    """
    rng = np.random.default_rng([seed, regions])
    rows = rng.integers(0, 2, ((count + 1) // 2, regions), dtype=bool)
    return np.stack([rows, ~rows], axis=1).reshape(-1, regions)[:count]


def two_halves(count: int) -> np.ndarray:
    """Return (count,) 0 or 1: to which half a draw belongs; pairs stay together."""
    return np.arange(count) // 2 % 2


def until_sure(
    estimate: Callable[[int], Estimate], n: int, until: float | None, max_passes: int | None
) -> Estimate:
    """Return the estimate from n draws, or from as few as make it sure enough."""
    found = None
    for count in _steps(n, until, max_passes):
        found = estimate(count)
        if until is not None and found.error is not None and found.error <= until:
            break
    assert found is not None
    return found


def _steps(n: int, until: float | None, max_passes: int | None) -> Iterator[int]:
    if until is None:
        yield min(n, max_passes or n)
        return
    most, count = max_passes or n, FIRST
    while count < most:
        yield count
        count *= 2
    yield most
