"""Work in bounded batches, halved when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from visioncam_core.engine.counters import COUNTERS


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
