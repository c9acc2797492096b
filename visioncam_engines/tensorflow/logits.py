"""Finding the logit: the score before the softmax or sigmoid at the model's end, in the graph."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph import ends
from visioncam_core.engine.graph.ends import End
from visioncam_engines.tensorflow.graph.graph import by_argument, constant

_COPIES = {"Identity", "StopGradient", "PreventGradient", "ClipByValue", "CheckNumerics"}
_ENDS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "Tanh": "tanh"}
_KEEPS_ROWS = {"Reshape": "tensor", "Squeeze": "input", "ExpandDims": "input"}
_MOVES = {**_KEEPS_ROWS, "Transpose": "x", "ReverseV2": "tensor", "ConcatV2": "values", "Pack": "values"}
_CUTS = {"StridedSlice": "input", "Slice": "input", "Split": "value", "SplitV": "value", "Unpack": "value"}
_CUTS |= {"GatherV2": "params"}
_REDUCES = {"Mean": "input", "Sum": "input"}
_REPLAYED = {**_MOVES, **_CUTS, **_REDUCES}
_AXES = dict.fromkeys(("dim", "split_dim", "reduction_indices", "squeeze_dims"), "axis")
"""Arguments of operations that TensorFlow's own functions call otherwise."""
_ADDS = ("Add", "AddV2", "AddN", "Sub")


def find_end(tensor: Any) -> End | None:
    """Walk back from a tensor to the activations that it is computed from; None where others take part."""
    op = tensor.op
    if op.type in _ENDS:
        return _activation(op, _ENDS[op.type])
    if op.type in _COPIES:
        return find_end(op.inputs[0])
    if op.type == "IdentityN":
        return find_end(op.inputs[tensor.value_index])
    if op.type == "Cast":
        return ends.after(find_end(op.inputs[0]), lambda x, r: r.cast(x, tensor.dtype))
    if op.type in ("Minimum", "Maximum"):
        free = [one for one in op.inputs if fixed(one) is None]
        return find_end(free[0]) if len(free) == 1 else None
    if op.type in ("Exp", "Log"):
        return (ends.exponential if op.type == "Exp" else ends.logarithm)(find_end(op.inputs[0]))
    if op.type == "Neg" and op.inputs[0].op.type == "Softplus":  # log(1 - sigmoid)
        found = _activation(op.inputs[0].op, "sigmoid")
        turned = ends.after(found, lambda x, r: r.other(x), "log")
        return attrs.evolve(turned, low=-np.inf, high=0.0)
    if op.type in _REPLAYED:
        return _replayed(op, tensor.value_index)
    if op.type in ("Neg", "Mul", "RealDiv", *_ADDS):
        return _linear(op)
    return None


def _activation(op: Any, kind: str) -> End:
    inner = find_end(op.inputs[0]) if kind in ("softmax", "sigmoid") else None
    return ends.activation(op, kind, op.inputs[0], inner)


def _replayed(op: Any, index: int) -> End | None:
    place = [arg.name for arg in op.op_def.input_arg].index(_REPLAYED[op.type])
    if op.type in _REDUCES:
        return ends.reduced(
            find_end(op.inputs[place]),
            _reduced(op),
            op.type == "Sum",
            lambda part: _repeated(op, part, index),
            lambda part: [_repeated(op, part, index, as_type) for as_type in ("Max", "Min")],
        )
    joined = op.type in ("ConcatV2", "Pack")
    found = _all(op.inputs[: len(op.inputs) - (op.type == "ConcatV2")] if joined else [op.inputs[place]])
    kept = op.type in _KEEPS_ROWS and op.inputs[place].shape[-1:] == op.outputs[0].shape[-1:]
    kept = kept and op.outputs[0].shape[-1] is not None
    traits = () if kept else ("cut",) if op.type in _CUTS else ("moved",)
    return ends.replayed(found, lambda parts: _repeated(op, parts if joined else parts[0], index), traits)


def _reduced(op: Any) -> int | None:
    """Return how many values each of a reduction's is made of, or None where that is open."""
    axes, shape = constant(op.inputs[1]), op.inputs[0].shape
    if axes is None or shape.rank is None:
        return None
    lengths = [shape[int(axis)] for axis in np.reshape(axes, -1)]
    return None if None in lengths else int(np.prod(lengths))


def _linear(op: Any) -> End | None:
    """Return the end of a sum of ends and constants, or of one scaled by a constant."""
    values = [fixed(one) for one in op.inputs]
    free = [one for one, value in zip(op.inputs, values, strict=True) if value is None]
    found = _all(free)
    if not found or not all(end.probable for end in found):
        return None
    if op.type in _ADDS:
        signs = [-1.0 if op.type == "Sub" and i == 1 else 1.0 for i in range(len(values))]
        of_ends = [sign for sign, value in zip(signs, values, strict=True) if value is None]
        given = zip(signs, values, strict=True)
        shifts = [sign * np.asarray(value, np.float64) for sign, value in given if value is not None]
        wider = free[0].shape.as_list() != op.outputs[0].shape.as_list()
        return ends.added(list(zip(of_ends, found, strict=True)), shifts, wider)
    if len(found) > 1 or any(np.size(value) != 1 for value in values if value is not None):
        return None
    if op.type == "Neg":
        return ends.scaled(found[0], -1.0)
    factor = next(float(np.reshape(value, ())) for value in values if value is not None)
    if factor == 0 or (op.type == "RealDiv" and values[0] is not None):
        return None
    return ends.scaled(found[0], 1 / factor if op.type == "RealDiv" else factor)


def fixed(tensor: Any) -> Any:
    """Return the value of a constant, also of one that was cast, or None where it is computed."""
    while tensor.op.type in ("Cast", "Identity"):
        tensor = tensor.op.inputs[0]
    return constant(tensor)


def _all(tensors: Any) -> list[End]:
    """Return the end of each tensor; none at all where one has none."""
    found = []
    for tensor in tensors:
        end = find_end(tensor)
        if end is None:
            return []
        found.append(end)
    return found


def _repeated(op: Any, data: Any, index: int, as_type: str = "") -> Any:
    """Return what an operation, or another one of the same arguments, makes of other data."""
    import tensorflow as tf

    inferred = {name for one in op.op_def.input_arg for name in (one.type_attr, one.number_attr)}
    arguments = {**by_argument(op, list(op.inputs)), _REPLAYED[op.type]: data}
    for one in op.op_def.attr:
        if one.name not in inferred:
            arguments[one.name] = op.get_attr(one.name)
    named = {_AXES.get(name, name): value for name, value in arguments.items()}
    made = getattr(tf.raw_ops, as_type or op.type)(**named)
    made = made[index] if isinstance(made, list | tuple) else made
    made.set_shape(op.outputs[index].shape)
    return made
