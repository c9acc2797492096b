"""What the explained output says: probabilities, by which activations, of which groups of classes.

Where no activation is found, an output that comes straight out of a product of weights is taken for logits;
any other is tried: on pictures of noise the values of probabilities stay in [0, 1].
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.ends import End, Reading
from visioncam_core.engine.graph.probable import RANGES, Logits, logits_of, signed, tried_logits
from visioncam_engines.tensorflow.graph.extract import carve
from visioncam_engines.tensorflow.graph.graph import descendants
from visioncam_engines.tensorflow.logits import find_end, fixed
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


def find_logits(trace: Trace, output: Any, flat: list[Any]) -> Logits:
    """Return what is known of an output of a trace, for inputs like `flat`."""
    end = find_end(output)
    found = None if end is None or signed(end) else _of_end(trace, output, end, flat)
    if found is not None:
        return found
    if signed(end) or _comes_of_weights(trace, output):
        return Logits(output, output)
    return tried_logits(output, *_unscaled(output), lambda tensor: _tried(trace, tensor, flat))


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
    def marks(one: End) -> tuple[np.ndarray, list[np.ndarray]]:
        reading = _Marks()
        with trace.graph.as_default():
            fetches = [one.again(reading), *reading.same]
        found, *same = _run(trace, fetches, flat)
        return found, same

    def by(reading: Reading) -> Callable[[End], Any]:
        def again(one: End) -> Any:
            with trace.graph.as_default():
                return one.again(reading)

        return again

    shape, rank = tuple(output.shape), lambda leaf: leaf.shape.rank
    return logits_of(end, output, shape, marks, by(_Before()), by(_Probabilities()), rank)


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
