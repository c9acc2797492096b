"""Counts of the work done, so that tests can count passes where they must not time them."""

from __future__ import annotations

import threading
from collections import Counter


class Counters:
    """How many traces, cuts and passes there were; passes are counted in pictures.

    Names: `traces`, `cuts`, `forward` (a picture through the whole model), `backward` (the gradient from
    the score to the layer), `head` (input to layer), `tail` (layer to score), `shapes` (two blank pictures
    through the model, for the sizes of its layers), `halved` (a batch was halved for lack of memory).
    """

    def __init__(self) -> None:
        """Start at zero."""
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1) -> None:
        """Count `amount` more of `name`."""
        with self._lock:
            self._counts[name] += amount

    def snapshot(self) -> Counter[str]:
        """Return a copy; subtract two to see what happened between them."""
        with self._lock:
            return Counter(self._counts)


COUNTERS = Counters()
