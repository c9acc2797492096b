"""Questions about a traced graph: what depends on what."""

from __future__ import annotations

from typing import Any

OF_SHAPE = ("Shape", "Size", "Rank", "ShapeN")
"""Operations that read how large a tensor is, and none of its values."""


def ancestors(tensors: list[Any], stop: frozenset[int] = frozenset()) -> dict[int, Any]:
    """Return id -> operation for what tensors are computed from, not past those with ids in `stop`."""
    found: dict[int, Any] = {}
    waiting = [t for t in tensors if id(t) not in stop]
    while waiting:
        op = waiting.pop().op
        if id(op) in found:
            continue
        found[id(op)] = op
        if op.type in OF_SHAPE:
            continue
        waiting.extend(i for i in op.inputs if id(i) not in stop)
        for control in op.control_inputs:
            waiting.extend(control.outputs[:1])
    return found


def descendants(tensors: list[Any], values: bool = False) -> dict[int, Any]:
    """Return id -> tensor for `tensors` and everything computed from them; or from their `values` alone."""
    found = {id(t): t for t in tensors}
    waiting = list(tensors)
    while waiting:
        for op in waiting.pop().consumers():
            if values and op.type in OF_SHAPE:
                continue
            for output in op.outputs:
                if id(output) not in found:
                    found[id(output)] = output
                    waiting.append(output)
    return found


def frontier(fetches: list[Any], at: list[Any], inputs: list[Any], exact: bool) -> list[Any]:
    """Return the side tensors a tail needs besides the activations.

    They depend on the model's inputs but not on the activations, and feed what does.  A value that is
    not batch-first (a shape, a scalar) is not taken: its own inputs are, so it is recomputed.

    Args:
        fetches: what the tail returns.
        at: the activations, where the tail begins.
        inputs: the model's inputs.
        exact: the batch is always one, so that every side value may be kept as it is.
    """
    from_input = descendants(inputs)
    from_layer = descendants(at)
    stop = frozenset(id(t) for t in at)
    sides: dict[int, Any] = {}
    visited: set[int] = set()
    waiting = [t for t in fetches if id(t) not in stop]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in visited:
            continue
        visited.add(id(tensor))
        if id(tensor) in stop or id(tensor) not in from_input:
            continue
        side = id(tensor) not in from_layer
        if (side and (exact or _batch_first(tensor))) or (side and tensor.op.type == "Placeholder"):
            sides[id(tensor)] = tensor
        else:
            waiting.extend(tensor.op.inputs)
    return list(sides.values())


def _batch_first(tensor: Any) -> bool:
    rank = tensor.shape.rank
    return rank is not None and rank >= 1 and tensor.shape[0] is None


def constant(tensor: Any) -> Any:
    """Return the value of a constant tensor as an array, or None where it is computed."""
    import tensorflow as tf

    return tf.get_static_value(tensor)


def by_argument(op: Any, given: list[Any]) -> dict[str, Any]:
    """Return name of an operation's argument -> its part of `given`, a list where it takes several."""
    found: dict[str, Any] = {}
    rest = list(given)
    for one in op.op_def.input_arg:
        count = int(op.get_attr(one.number_attr)) if one.number_attr else 0
        found[one.name] = rest[:count] if count else rest[0]
        del rest[: count or 1]
    return found


COPIES = ("Identity", "Cast", "StopGradient")
SHAPES = ("Reshape", "Squeeze", "ExpandDims", "Transpose")


def identities(tensor: Any, through: tuple[str, ...] = COPIES) -> set[int]:
    """Return the ids of `tensor` and of what it is merely a copy of; or an other shape, with `SHAPES`."""
    found = {id(tensor)}
    while tensor.op.type in through:
        tensor = tensor.op.inputs[0]
        found.add(id(tensor))
    return found
