"""Finding the logit: the score before the softmax or sigmoid at the model's end.

The end may be put together from several activations: heads joined, cut, moved, averaged, scaled, a logarithm
or another activation on top.  What is found can be put together again from anything that stands for each
activation: the logits before it, the probabilities after it, or marks that tell whose they are.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any, Protocol

import attrs
import numpy as np

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


class Reading(Protocol):
    """What stands for each activation while an end is put together again."""

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        """Return what stands for an activation; `inner` is the end in front of it, if there is one."""

    def other(self, values: Any) -> Any:
        """Return what stands for 1 - p where `values` stand for p."""

    def cast(self, values: Any, dtype: Any) -> Any:
        """Return the values cast as the model casts them."""

    def mixed(self, parts: list[Any]) -> None:
        """Take note of what is averaged."""


@attrs.frozen(eq=False)
class End:
    """A tensor at the model's end that is computed from activations.

    Attributes:
        again: puts it together from what stands for each activation.
        kinds: of the activations: "softmax", "log_softmax", "sigmoid", "tanh".
        low, high: its values lie between these, clipping left out.
        traits: what was met: "cut", "moved", "averaged", "turned" (1 - p), "nested", "log".
        leaves: what went into the activations.
    """

    again: Callable[[Reading], Any]
    kinds: frozenset[str]
    low: float
    high: float
    traits: frozenset[str]
    leaves: tuple[Any, ...]

    @property
    def probable(self) -> bool:
        """Whether its values are made of probabilities, and not of logarithms of them."""
        return "log" not in self.traits and not self.kinds & {"log_softmax"}

    @property
    def within(self) -> bool:
        """Whether the values lie in [0, 1] as they are."""
        return self.low >= -1e-3 and self.high <= 1 + 1e-3


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
        return _after(find_end(op.inputs[0]), lambda x, r: r.cast(x, tensor.dtype))
    if op.type in ("Minimum", "Maximum"):
        free = [one for one in op.inputs if fixed(one) is None]
        return find_end(free[0]) if len(free) == 1 else None
    if op.type in ("Exp", "Log"):
        return _logarithm(op)
    if op.type == "Neg" and op.inputs[0].op.type == "Softplus":  # log(1 - sigmoid)
        found = _activation(op.inputs[0].op, "sigmoid")
        turned = _after(found, lambda x, r: r.other(x), "log")
        return attrs.evolve(turned, low=-np.inf, high=0.0)
    if op.type in _REPLAYED:
        return _replayed(op, tensor.value_index)
    if op.type in ("Neg", "Mul", "RealDiv", *_ADDS):
        return _linear(op)
    return None


def _activation(op: Any, kind: str) -> End:
    low = {"log_softmax": -np.inf, "tanh": -1.0}.get(kind, 0.0)
    high = 0.0 if kind == "log_softmax" else 1.0
    inner = find_end(op.inputs[0]) if kind in ("softmax", "sigmoid") else None
    if inner is not None and (not inner.probable or "tanh" in inner.kinds):
        inner = None  # a softmax over logarithms of probabilities gives them back, and has logits
    traits = frozenset({"nested"} if inner else ())
    leaves = inner.leaves if inner else (op.inputs[0],)
    return End(lambda r: r.of(op, kind, inner), frozenset((kind,)), low, high, traits, leaves)


def _after(end: End | None, change: Callable[[Any, Reading], Any], *traits: str) -> Any:
    """Return an end with one more step behind it; None of None."""
    if end is None:
        return None
    return attrs.evolve(end, again=lambda r: change(end.again(r), r), traits=end.traits | set(traits))


def _logarithm(op: Any) -> End | None:
    end = find_end(op.inputs[0])
    if end is None:
        return None
    if op.type == "Exp" and not end.probable and end.high == 0:
        kinds = frozenset("softmax" if kind == "log_softmax" else kind for kind in end.kinds)
        return attrs.evolve(end, kinds=kinds, traits=end.traits - {"log"}, low=0.0, high=1.0)
    if op.type == "Log" and end.probable and end.within:
        return attrs.evolve(end, traits=end.traits | {"log"}, low=-np.inf, high=0.0)
    return None


def _replayed(op: Any, index: int) -> End | None:
    place = [arg.name for arg in op.op_def.input_arg].index(_REPLAYED[op.type])
    joined = op.type in ("ConcatV2", "Pack")
    ends = _all(op.inputs[: len(op.inputs) - (op.type == "ConcatV2")] if joined else [op.inputs[place]])
    if not ends or (op.type in _REDUCES and not ends[0].probable):
        return None
    low, high = min(end.low for end in ends), max(end.high for end in ends)
    count = _reduced(op) if op.type in _REDUCES else 1
    if op.type == "Sum":
        if count is None:
            return None
        low, high = low * count, high * count
    kept = op.type in _KEEPS_ROWS and op.inputs[place].shape[-1:] == op.outputs[0].shape[-1:]
    kept = kept and op.outputs[0].shape[-1] is not None
    traits = {"cut"} if op.type in _CUTS else {"averaged", "moved"} if op.type in _REDUCES else {"moved"}

    def again(reading: Reading) -> Any:
        parts = [end.again(reading) for end in ends]
        made = _repeated(op, parts if joined else parts[0], index)
        if op.type in _REDUCES and count != 1:
            reading.mixed([_repeated(op, parts[0], index, as_type) for as_type in ("Max", "Min")])
        return made / count if op.type == "Sum" else made

    return _together(ends, again, low, high, frozenset(() if kept else traits))


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
    ends = _all(free)
    if not ends or not all(end.probable for end in ends):
        return None
    if op.type in _ADDS:
        return _sum(op, values, free, ends)
    if len(ends) > 1 or any(np.size(value) != 1 for value in values if value is not None):
        return None
    if op.type == "Neg":
        return _scaled(ends[0], -1.0)
    factor = next(float(np.reshape(value, ())) for value in values if value is not None)
    if factor == 0 or (op.type == "RealDiv" and values[0] is not None):
        return None
    return _scaled(ends[0], 1 / factor if op.type == "RealDiv" else factor)


def _sum(op: Any, values: list[Any], free: list[Any], ends: list[End]) -> End | None:
    signs = [-1.0 if op.type == "Sub" and i == 1 else 1.0 for i in range(len(values))]
    turned = [
        _scaled(end, sign)
        for end, sign in zip(ends, (s for s, v in zip(signs, values, strict=True) if v is None), strict=True)
    ]
    shifts = [s * np.asarray(v, np.float64) for s, v in zip(signs, values, strict=True) if v is not None]
    low = sum(end.low for end in turned) + sum(float(one.min()) for one in shifts)
    high = sum(end.high for end in turned) + sum(float(one.max()) for one in shifts)
    if len(turned) == 1:
        wider = free[0].shape.as_list() != op.outputs[0].shape.as_list()
        return None if wider else attrs.evolve(turned[0], low=low, high=high)
    if -1.0 in signs:
        return None  # a difference of two is no probability
    widths = [end.high - end.low for end in turned]

    def again(reading: Reading) -> Any:
        parts = [end.again(reading) for end in turned]
        reading.mixed(parts)
        weighed = [part * (width / sum(widths)) for part, width in zip(parts, widths, strict=True)]
        return functools.reduce(operator.add, weighed)

    return _together(turned, again, low, high, frozenset({"averaged"}))


def fixed(tensor: Any) -> Any:
    """Return the value of a constant, also of one that was cast, or None where it is computed."""
    while tensor.op.type in ("Cast", "Identity"):
        tensor = tensor.op.inputs[0]
    return constant(tensor)


def _scaled(end: End, factor: float) -> End:
    low, high = sorted((end.low * factor, end.high * factor))
    turned: End = _after(end, lambda x, r: r.other(x), "turned") if factor < 0 else end
    return attrs.evolve(turned, low=low, high=high)


def _all(tensors: Any) -> list[End]:
    """Return the end of each tensor; none at all where one has none."""
    found = []
    for tensor in tensors:
        end = find_end(tensor)
        if end is None:
            return []
        found.append(end)
    return found


def _together(ends: list[End], again: Any, low: float, high: float, traits: frozenset[str]) -> End:
    kinds = frozenset[str]().union(*(end.kinds for end in ends))
    every = traits.union(*(end.traits for end in ends))
    return End(again, kinds, low, high, every, tuple(leaf for end in ends for leaf in end.leaves))


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
