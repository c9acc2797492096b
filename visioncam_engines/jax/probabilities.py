"""What the explained output says: probabilities, by which activations, of which groups of classes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.ends import End
from visioncam_core.engine.graph.probable import RANGES, Logits, logits_of, signed, tried_logits
from visioncam_engines.jax.cuts import Made, outputs
from visioncam_engines.jax.graph import COPIES, SHAPES, Graph, Value
from visioncam_engines.jax.logits import Activation, find_end
from visioncam_engines.jax.tracing import Trace

_PRODUCTS = ("dot_general", "conv_general_dilated")
_PASSED = COPIES | SHAPES | {
    *("neg", "broadcast_in_dim", "slice", "split", "gather", "concatenate", "stack", "unstack", "add"),
    *("reduce_sum", "add_any", "sub", "reduce_window_sum", "rev"),
}  # fmt: skip


def find_logits(trace: Trace, output: Value, flat: list[Any]) -> Logits:
    """Return what is known of an output of a trace; its tensors are `Made`."""
    graph, whole_output = trace.graph, Made.of(output)
    end = find_end(graph, output)
    if end is not None and not signed(end):
        found = logits_of(
            end, whole_output, (None, *output.shape[1:]), _marks,
            lambda one: _read(one, _Before), lambda one: _read(one, _Probabilities),
            lambda leaf: len(leaf.shape),
        )  # fmt: skip
        if found is not None:
            return found
    if signed(end) or _comes_of_weights(graph, output):
        return Logits(whole_output, whole_output)
    unscaled, factor = _unscaled(graph, output)
    return tried_logits(whole_output, Made.of(unscaled), factor, lambda one: _tried(trace, one, flat))


Look = Callable[[Value], Any]


class _Before:
    """Reads the logits; `look` returns what stands for a value of the graph."""

    def __init__(self, look: Look) -> None:
        self.look = look

    def of(self, op: Activation, kind: str, inner: End | None) -> Any:
        if inner is not None:
            return inner.again(self)
        given = self.look(op.given)
        return 2 * given if kind == "tanh" else given  # (1 + tanh x) / 2 is sigmoid 2x

    def other(self, values: Any) -> Any:
        return -values

    def cast(self, values: Any, dtype: Any) -> Any:
        return values.astype(dtype)

    def mixed(self, parts: list[Any]) -> None:
        pass


class _Probabilities(_Before):
    """Reads the probabilities, each between 0 and 1."""

    def of(self, op: Activation, kind: str, inner: End | None) -> Any:
        import jax

        if op.turned:
            return jax.nn.sigmoid(self.look(op.given))
        made = self.look(op.made)
        if kind == "log_softmax":
            return jax.numpy.exp(made)
        return (1 + made) / 2 if kind == "tanh" else made

    def other(self, values: Any) -> Any:
        return 1 - values


class _Marks(_Before):
    """Reads a number for each softmax and place, the same for its classes; none for a sigmoid.

    Attributes:
        same: whether values that are averaged belong to one softmax.
        seen: the numbers of each softmax.
    """

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.same: list[Any] = []
        self.seen: dict[Value, np.ndarray] = {}

    def of(self, op: Activation, kind: str, inner: End | None) -> Any:
        shape = op.given.shape
        if "softmax" not in kind:
            return np.full(shape, np.nan, np.float32)
        if op.made not in self.seen:
            rows = np.random.default_rng(len(self.seen)).random((*shape[:-1], 1), np.float32)
            self.seen[op.made] = np.broadcast_to(rows, shape)
        return self.seen[op.made]

    def other(self, values: Any) -> Any:
        return values

    def cast(self, values: Any, dtype: Any) -> Any:
        return values

    def mixed(self, parts: list[Any]) -> None:
        self.same += [
            np.any(np.asarray(one) == np.asarray(other)) for one, other in itertools.pairwise(parts)
        ]


def _marks(end: End) -> tuple[np.ndarray, list[np.ndarray]]:
    reading = _Marks(lambda value: None)
    return np.asarray(end.again(reading)), [np.asarray(one) for one in reading.same]


def _read(end: End, reading: type[_Before]) -> Made:
    """Return an end as it is put together from logits, or from probabilities."""
    import jax

    parts: dict[Value, None] = {}

    def noted(value: Value) -> Any:
        parts[value] = None
        return jax.numpy.zeros(value.shape, value.dtype)

    jax.eval_shape(lambda: end.again(reading(noted)))
    return Made(tuple(parts), lambda env: end.again(reading(lambda one: env.get(one, one.known))))


def _comes_of_weights(graph: Graph, output: Value) -> bool:
    """Return whether the output is a product of weights, up to sums and shifts: then it has no bounds."""
    moving = graph.descendants(graph.inputs)
    waiting, seen = [output], set()
    while waiting:
        value = waiting.pop()
        step = graph.made_by.get(value)
        if step is None or value in seen:
            continue
        seen.add(value)
        moved = [one for one in step.inputs if one in moving]
        if step.name in _PRODUCTS and len(moved) == 1:
            end = find_end(graph, moved[0])  # classes summed to wider ones are probabilities still
            if end is None or end.kinds != {"softmax"}:
                return True
        elif step.name in _PASSED or (step.name in ("mul", "div") and len(moved) == 1):
            waiting.extend(moved)
    return False


def _unscaled(graph: Graph, value: Value) -> tuple[Value, float]:
    """Return what a value is a multiple of, by a constant, and the factor."""
    factor = 1.0
    while (step := graph.made_by.get(value)) is not None and step.name in ("mul", "div", *COPIES):
        values = [graph.constant(one) for one in step.inputs]
        free = [one for one, held in zip(step.inputs, values, strict=True) if held is None]
        given = [float(np.reshape(held, ())) for held in values if held is not None and np.size(held) == 1]
        if len(free) != 1 or len(given) != len(values) - 1 or (step.name == "div" and values[1] is None):
            break
        if step.name == "div" and given == [0.0]:
            break
        factor *= 1 / given[0] if step.name == "div" else given[0] if given else 1.0
        value = free[0]
    return value, factor


def _tried(trace: Trace, output: Made, flat: list[Any]) -> Iterator[np.ndarray]:
    """Yield the output for noise of several ranges, the same each time."""
    run = outputs(trace, [output])
    for number, (low, high) in enumerate(RANGES):
        draw = np.random.default_rng(number)
        noise = []
        for x in flat:
            given = np.asarray(x[:1])
            drawn = draw.uniform(low, high, given.shape).astype(np.float32)
            shuffled = draw.permuted(given.reshape(-1)).reshape(given.shape)
            noise.append(drawn.astype(x.dtype) if x.dtype.kind not in "iub" else shuffled)
        found = np.asarray(run(trace.weights(), noise)[0], np.float32)
        COUNTERS.add("forward")
        if np.isfinite(found).all():
            yield found
