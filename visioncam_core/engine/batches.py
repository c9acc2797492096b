"""Work in bounded batches, halved when memory runs out, and the count of what was done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.records import PassResult

FEW, FEWER, MANY = 32, 8, 4096
DEFAULT_BYTES = 300 * 10**6
"""What one batch of changed pictures may need by default, as estimated."""


@attrs.frozen
class Budget:
    """What bounds a batch.

    Attributes:
        pictures: how many at most, asked for by the user; None to choose.
        memory: bytes one batch may need, as estimated from the graph.
    """

    pictures: int | None = None
    memory: int = DEFAULT_BYTES

    @property
    def plain(self) -> int:
        """Pictures in one pass that is not measured."""
        return self.pictures or FEW

    def batch(self, need: int | None) -> int:
        """Return how many versions go through a function at once.

        Args:
            need: bytes one version needs, or None where the graph does not say.
        """
        if self.pictures is not None or not need:
            return self.plain
        return max(1, min(MANY, self.memory // need))


class Counters:
    """How many traces, cuts and passes there were: tests count them where they must not time them.

    Passes are counted in pictures.  Names: `traces`, `cuts`, `forward` (a picture through the whole model),
    `backward` (the gradient from the score to the layer), `head` (input to layer), `tail` (layer to score),
    `shapes` (two blank pictures through the model, for the sizes of its layers), `halved` (a batch was halved
    for lack of memory).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, amount: int = 1) -> None:
        with self._lock:
            self._counts[name] += amount

    def snapshot(self) -> Counter[str]:
        """Return a copy; subtract two to see what happened between them."""
        with self._lock:
            return Counter(self._counts)


COUNTERS = Counters()


def in_batches(
    count: int,
    size: int,
    run: Callable[[np.ndarray], Any],
    exhausted: Callable[[BaseException], bool] = lambda error: isinstance(error, MemoryError),
) -> Iterator[Any]:
    """Yield `run(indices)` for `count` items, at most `size` at a time.

    A batch that does not fit into memory is halved and tried again; the smaller size is kept.  One item that
    does not fit raises.

    Args:
        count: how many items there are.
        size: how many at once, as long as memory allows.
        run: given (b,) int32 indices.
        exhausted: whether an error says that memory ran out.
    """
    start = 0
    while start < count:
        indices = np.arange(start, min(start + size, count), dtype=np.int32)
        try:
            result = run(indices)
        except Exception as error:
            if len(indices) == 1 or not exhausted(error):
                raise
            size = max(1, len(indices) // 2)
            COUNTERS.add("halved")
            continue
        yield result
        start += len(indices)


def joined(parts: list[PassResult]) -> PassResult:
    """Return the results of batches as one."""
    if len(parts) == 1:
        return parts[0]
    columns = zip(*(attrs.astuple(part, recurse=False)[:-1] for part in parts), strict=True)
    return PassResult(*(None if column[0] is None else ops.concatenate(list(column)) for column in columns))
