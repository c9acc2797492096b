"""How many pictures a function takes at once: what one needs is read off its graph."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

from visioncam_core.engine.batches import FEW, FEWER

_IN_PLACE = frozenset(
    (
        *("Identity", "Reshape", "Squeeze", "ExpandDims", "StopGradient"),
        *("Relu", "Relu6", "BiasAdd", "Add", "AddV2", "Mul", "Sub", "Softmax"),
    )
)


def at_once() -> int:
    """Return how many changed pictures go through a whole model at once where memory is no bound.

    Eight on a CPU, whose caches more of them overflow: MobileNetV2 took 1.2 times as long with 32.
    """
    import tensorflow as tf

    return FEW if tf.config.list_logical_devices("GPU") else FEWER


def need_of(graph: Any) -> int | None:
    """Return the bytes that one more picture needs while a function runs, or None where sizes are open.

    Operations are taken in the order of the graph, each result is kept until its last reader has run.
    Only results that grow with the batch are counted: those with an open first axis.
    """
    operations = graph.get_operations()
    readers = Counter(id(tensor) for op in operations for tensor in op.inputs)
    live = most = known = unknown = 0
    for op in operations:
        made = [_bytes(tensor) for tensor in op.outputs]
        known += sum(bool(one) for one in made)
        unknown += made.count(None)
        freed = 0
        for tensor in op.inputs:
            readers[id(tensor)] -= 1
            if readers[id(tensor)] == 0 and tensor.op.type != "Placeholder":
                freed += _bytes(tensor) or 0
        size = sum(one or 0 for one in made)
        reused = min(freed, size) if op.type in _IN_PLACE else 0
        most = max(most, live + size - reused)
        live += size - freed
    return most if known > 10 * unknown else None


def _bytes(tensor: Any) -> int | None:
    """Return what one picture's part of a tensor takes: 0 without a batch, None where sizes are open."""
    shape = tensor.shape
    if shape.rank is None:
        return 0
    if shape.rank == 0 or shape[0] is not None:
        return 0
    if None in shape[1:]:
        return None
    return int(prod(shape[1:])) * max(1, int(tensor.dtype.size or 1))
