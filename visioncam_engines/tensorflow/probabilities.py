"""What the explained output says: probabilities, by which activations, of which groups of classes.

Where no activation is found, an output that comes straight out of a product of weights is taken for logits;
any other is tried: on pictures of noise the values of probabilities stay in [0, 1].
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.output import looks_probable
from visioncam_engines.tensorflow.graph.extract import carve
from visioncam_engines.tensorflow.graph.graph import descendants
from visioncam_engines.tensorflow.logits import End, find_end, fixed
from visioncam_engines.tensorflow.tracing.trace_model import Trace

_PRODUCTS = {
    *("MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"),
    *("Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2dNative"),
}
_PASSED = {
    *("Identity", "Cast", "StopGradient", "BiasAdd", "FusedBatchNormV3", "AvgPool", "AvgPool3D", "Neg"),
    *("Reshape", "Squeeze", "ExpandDims", "Transpose", "StridedSlice", "Slice", "Split", "SplitV", "Unpack"),
    *("GatherV2", "ConcatV2", "Pack", "Mean", "Sum", "Add", "AddV2", "AddN", "Sub"),
}
RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-30.0, 30.0))
"""Of the noise that an output is tried on."""
EXACT = 1e-3
"""How far from [0, 1], and from a sum of 1, probabilities may be by rounding."""


@attrs.frozen(eq=False)
class Logits:
    """A model output with what is known of its probabilities.

    Attributes:
        tensor: the symbolic logits, of the output's shape; the output itself where there are none.
        answer: the output, or the probabilities it is made of where its own values leave [0, 1].
        activation: "softmax", "log_softmax", "sigmoid", "softmax and sigmoid", or "" when none was found.
        own: without an activation found: whether the values are probabilities as they are.
        groups, complete, by_answer, composed: as in `visioncam_core.engine.output.Score`.
        leaves: what went into the activations, where it has the output's axes.
    """

    tensor: Any
    answer: Any
    activation: str = ""
    own: bool = False
    groups: tuple[int, ...] = ()
    complete: bool = True
    by_answer: bool = False
    composed: str = ""
    leaves: tuple[Any, ...] = ()


def find_logits(trace: Trace, output: Any, flat: list[Any]) -> Logits:
    """Return what is known of an output of a trace, for inputs like `flat`."""
    end = find_end(output)
    signed = end is not None and "tanh" in end.kinds and not end.within
    found = None if end is None or signed else _of_end(trace, output, end, flat)
    if found is not None:
        return found
    if signed or _comes_of_weights(trace, output):
        return Logits(output, output)
    whole, factor = _unscaled(output)
    for tensor, told in (
        (output, ""),
        (whole, f"scaled by {factor:.4g}; probabilities are shown in its place"),
    ):
        answers = list(_tried(trace, tensor, flat))
        if answers and all(one.min() >= -EXACT and one.max() <= 1 + EXACT for one in answers if one.size):
            complete = all(map(looks_probable, answers))
            return Logits(tensor, tensor, own=True, complete=complete, composed=told)
        if factor == 1:
            break
    return Logits(output, output)


def _unscaled(tensor: Any) -> tuple[Any, float]:
    """Return what a tensor is a multiple of, by a constant, and the factor."""
    factor = 1.0
    while tensor.op.type in ("Identity", "Mul", "RealDiv", "AddV2"):
        op = tensor.op
        values = [fixed(one) for one in op.inputs]
        free = [one for one, value in zip(op.inputs, values, strict=True) if value is None]
        given = [float(np.reshape(v, ())) for v in values if v is not None and np.size(v) == 1]
        if len(free) != 1 or len(given) != len(values) - 1 or (op.type == "RealDiv" and values[1] is None):
            break
        if (op.type == "AddV2" and given != [0.0]) or (op.type == "RealDiv" and given == [0.0]):
            break
        factor *= given[0] if op.type == "Mul" else 1 / given[0] if op.type == "RealDiv" else 1.0
        tensor = free[0]
    return tensor, factor


def _of_end(trace: Trace, output: Any, end: End, flat: list[Any]) -> Logits | None:
    """Return what an end says; None where classes that exclude each other are summed, or left alone."""
    kinds = {"sigmoid" if kind == "tanh" else kind for kind in end.kinds}
    log = kinds == {"log_softmax"} and "log" not in end.traits
    kinds = kinds if log else {kind.removeprefix("log_") for kind in kinds}
    single = output.shape.rank == 1 or output.shape[-1] == 1
    if single and kinds != {"sigmoid"} and end.traits & {"cut", "averaged"}:
        return None  # one class of a softmax: its logit alone says nothing without the others'
    groups: tuple[int, ...] = ()
    if kinds != {"sigmoid"} and end.traits & {"moved", "cut"}:
        marks = _Marks()
        with trace.graph.as_default():
            fetches = [end.again(marks), *marks.same]
        found, *same = _run(trace, fetches, flat)
        if any(map(np.any, same)):
            return None
        groups = _numbered(found.reshape(-1, found.shape[-1])[0])
    scaled = not (log or end.within)
    mass = end.high - end.low + end.low * (output.shape[-1] or 1)
    told = [text for trait, text in COMPOSED.items() if trait in end.traits]
    if scaled and "log" not in end.traits:
        told.append(f"between {end.low:.4g} and {end.high:.4g}; probabilities are shown in its place")
    if groups:
        told.append("made of several groups of classes, and logits are never compared between them")
    with trace.graph.as_default():
        tensor = end.again(_Before())
        answer = end.again(_Probabilities()) if scaled else output
    return Logits(
        tensor=tensor,
        answer=answer,
        activation=" and ".join(sorted(kinds, reverse=True)),
        groups=groups,
        complete=not end.traits & {"cut", "turned"} and (log or scaled or abs(mass - 1) <= EXACT),
        by_answer=bool(groups or end.traits & {"averaged", "nested"}),
        composed="; it is ".join(told),
        leaves=tuple(one for one in end.leaves if one.shape.rank == output.shape.rank),
    )


COMPOSED = {
    "nested": "one activation on top of another, and the score is what went into the first",
    "averaged": "an average of probabilities, and the score is the average of their logits",
    "log": "the logarithm of probabilities, which are shown in its place",
}


class _Before:
    """Reads the logits."""

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        if inner is not None:
            return inner.again(self)
        return 2 * op.inputs[0] if kind == "tanh" else op.inputs[0]  # (1 + tanh x) / 2 is sigmoid 2x

    def other(self, values: Any) -> Any:
        return -values

    def cast(self, values: Any, dtype: Any) -> Any:
        import tensorflow as tf

        return tf.cast(values, dtype)

    def mixed(self, parts: list[Any]) -> None:
        pass


class _Probabilities(_Before):
    """Reads the probabilities, each between 0 and 1."""

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        import tensorflow as tf

        if op.type == "Softplus":
            return tf.sigmoid(op.inputs[0])
        given = op.outputs[0]
        if kind == "log_softmax":
            return tf.exp(given)
        return (1 + given) / 2 if kind == "tanh" else given

    def other(self, values: Any) -> Any:
        return 1 - values


class _Marks(_Before):
    """Reads a number for each softmax and place, the same for its classes; none for a sigmoid.

    Attributes:
        same: whether values that are averaged belong to one softmax.
    """

    def __init__(self) -> None:
        self.same: list[Any] = []
        self.count = 0

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        import tensorflow as tf

        self.count += 1
        shape = tf.shape(op.inputs[0])
        if "softmax" not in kind:
            made = tf.fill(shape, tf.constant(np.nan, tf.float64))
        else:
            rows = tf.concat([shape[:-1], [1]], 0)
            seed = [list(op.graph.get_operations()).index(op), 0]
            made = tf.broadcast_to(tf.random.stateless_uniform(rows, seed, dtype=tf.float64), shape)
        made.set_shape(op.inputs[0].shape)
        return made

    def other(self, values: Any) -> Any:
        return values

    def cast(self, values: Any, dtype: Any) -> Any:
        return values

    def mixed(self, parts: list[Any]) -> None:
        import tensorflow as tf

        self.same += [tf.reduce_any(tf.equal(one, other)) for one, other in itertools.pairwise(parts)]


def _numbered(marks: np.ndarray) -> tuple[int, ...]:
    """Return for each class the number of its group, -1 for one on its own; () where all are of one."""
    found: dict[float, int] = {}
    numbers = [-1 if np.isnan(m) else found.setdefault(round(float(m), 9), len(found)) for m in marks]
    return () if set(numbers) in ({0}, {-1}) else tuple(numbers)


def _run(trace: Trace, fetches: list[Any], flat: list[Any]) -> list[np.ndarray]:
    """Return what the fetches are for the first of the inputs."""
    COUNTERS.add("forward")
    return [one.numpy() for one in carve(trace.graph, list(trace.inputs), fetches)(*[x[:1] for x in flat])]


def _tried(trace: Trace, output: Any, flat: list[Any]) -> Iterator[np.ndarray]:
    """Yield the output for noise of several ranges, the same each time."""
    import tensorflow as tf

    run = carve(trace.graph, list(trace.inputs), [output])
    for number, (low, high) in enumerate(RANGES):
        draw = np.random.default_rng(number)
        noise = [
            tf.cast(tf.constant(draw.uniform(low, high, (1, *x.shape[1:])), tf.float32), x.dtype)
            if x.dtype.is_floating
            else tf.constant(draw.permuted(x[:1].numpy().reshape(-1)).reshape((1, *x.shape[1:])), x.dtype)
            for x in flat
        ]
        try:
            (answer,) = run(*noise)
        except tf.errors.OpError:  # it does not take such values
            continue
        COUNTERS.add("forward")
        found = tf.cast(answer, tf.float32).numpy()
        if np.isfinite(found).all():
            yield found


def _comes_of_weights(trace: Trace, output: Any) -> bool:
    """Return whether the output is a product of weights, up to sums and shifts: then it has no bounds."""
    moving = descendants(list(trace.inputs))
    waiting, seen = [output], set()
    while waiting:
        tensor = waiting.pop()
        op = tensor.op
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        moved = [one for one in op.inputs if id(one) in moving]
        if op.type in _PRODUCTS and len(moved) == 1:
            end = find_end(moved[0])  # classes summed to wider ones are probabilities still
            if end is None or end.kinds != {"softmax"}:
                return True
        elif op.type in _PASSED or (op.type in ("Mul", "RealDiv") and len(moved) == 1):
            waiting.extend(moved)
    return False
