"""Measuring two sides fairly on a noisy machine: interleaved, warmed, medians of ratios."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import attrs

Work = Callable[[], Any]


@attrs.frozen
class Measured:
    """Times of several sides, taken in turn.

    Attributes:
        seconds: side -> its times, one a round.
    """

    seconds: dict[str, tuple[float, ...]]

    def median(self, side: str) -> float:
        """Return a side's median time in seconds."""
        return median(self.seconds[side])

    def ratio(self, side: str, base: str, scale: float = 1.0) -> float:
        """Return the median over rounds of time(side) / (scale · time(base)), neighbours divided."""
        pairs = zip(self.seconds[side], self.seconds[base], strict=True)
        return median(a / (scale * b) for a, b in pairs)


def interleaved(
    rounds: int, warm: int = 2, clock: Callable[[], float] = time.perf_counter, **sides: Work
) -> Measured:
    """Run every side in turn, `rounds` times by a clock, after `warm` unmeasured rounds."""
    for _ in range(warm):
        for work in sides.values():
            work()
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for side, work in sides.items():
            start = clock()
            work()
            seconds[side].append(clock() - start)
    return Measured({side: tuple(times) for side, times in seconds.items()})
