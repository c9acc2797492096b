"""Functions cut from a trace: each runs one picture, mapped over a batch, and is compiled for few sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import GradientError
from visioncam_engines.jax.graph import Graph, Value
from visioncam_engines.jax.tracing import Trace

GROWTH = 4
"""A batch is filled up to a power of this, so that three sizes are compiled for batches of up to 16."""


@attrs.frozen(eq=False)
class Made:
    """What is computed from values of the graph: a score, say.

    Attributes:
        parts: the values.
        make: returns it from where these are looked up.
    """

    parts: tuple[Value, ...]
    make: Callable[[dict[Value, Any]], Any]

    @classmethod
    def of(cls, value: Value) -> Made:
        return cls((value,), lambda env: env.get(value, value.known))


@attrs.frozen(eq=False)
class Cut:
    """A compiled function over batches.

    Attributes:
        used: positions of the weights that it reads.
        run: `(weights, mapped, shared) -> results`, each with the batch in front.
    """

    used: tuple[int, ...]
    run: Callable[[list[Any], list[Any], list[Any]], list[Any]]

    def __call__(self, weights: list[Any], mapped: Sequence[Any], shared: Sequence[Any] = ()) -> list[Any]:
        """Return the results for a batch.

        Args:
            weights: all of the trace's.
            mapped: arrays with the batch in front.
            shared: arrays of one picture, the same for the whole batch.
        """
        count = int(mapped[0].shape[0])
        size = filled(count)
        filled_up = [_filled(one, size) for one in mapped]
        found = self.run([weights[i] for i in self.used], filled_up, list(shared))
        return [to_host(one, count) for one in found]


def cut(
    trace: Trace,
    key: Any,
    body: Callable[[dict[Value, Any], list[Any], list[Any]], list[Any]],
    read: set[Value],
) -> Cut:
    """Return a function cut from the trace.

    Args:
        trace: the trace.
        key: what it is kept under.
        body: `(weights by value, mapped of one picture, shared) -> results`, run once for each size.
        read: every value that it may need; the weights among them are its arguments.
    """

    def make() -> Cut:
        import jax

        every = trace.graph.weights
        used = tuple(i for i, one in enumerate(every) if one in read)

        def single(weights: list[Any], mapped: list[Any], shared: list[Any]) -> list[Any]:
            env = {every[i]: one for i, one in zip(used, weights, strict=True)}
            return body(env, mapped, shared)

        COUNTERS.add("cuts")
        return Cut(used, jax.jit(jax.vmap(single, in_axes=(None, 0, None))))

    found: Cut = trace.once(key, make)
    return found


def filled(count: int) -> int:
    """Return the size that a batch is filled up to."""
    size = 1
    while size < count:
        size *= GROWTH
    return size


def fitting(count: int) -> int:
    """Return the largest size that is no larger than `count`."""
    size = 1
    while size * GROWTH <= count:
        size *= GROWTH
    return size


def _filled(values: Any, size: int) -> Any:
    missing = size - int(values.shape[0])
    if not missing:
        return values
    xp = array_functions(values)
    return xp.concatenate([values, xp.repeat(values[-1:], missing, axis=0)])


def array_functions(values: Any) -> Any:
    """Return NumPy for its arrays, else `jax.numpy`."""
    if isinstance(values, np.ndarray):
        return np
    import jax.numpy

    return jax.numpy


def to_host(values: Any, count: int | None = None) -> Any:
    """Return an array as methods see it, at least float32: NumPy's on the CPU, JAX's on an accelerator."""
    if values.dtype.name in ("bfloat16", "float16"):
        values = values.astype("float32")
    if next(iter(values.devices())).platform == "cpu":
        values = np.asarray(values)
    return values if count is None else values[:count]


def need_of(graph: Graph, fetches: Sequence[Value], feeds: Sequence[Value]) -> int:
    """Return the bytes that one more picture needs while the steps up to `fetches` run, nothing fused.

    Each result is kept until its last reader has run.
    """
    wanted = graph.ancestors(fetches, feeds)
    moving = graph.descendants(feeds)
    steps = [step for step in graph.steps if any(one in wanted and one in moving for one in step.outputs)]
    readers = Counter(one for step in steps for one in step.inputs)
    live = most = 0
    for step in steps:
        live += sum(_bytes(one) for one in step.outputs)
        most = max(most, live)
        for one in step.inputs:
            readers[one] -= 1
            if readers[one] == 0 and one in moving and one not in feeds:
                live -= _bytes(one)
    return most


def _bytes(value: Value) -> int:
    return prod(value.shape) * max(1, value.dtype.itemsize)


def outputs(trace: Trace, made: list[Made]) -> Any:
    """Return `(weights, inputs) -> [each of them]`."""
    graph = trace.graph
    parts = [part for one in made for part in one.parts]

    def body(env: dict[Value, Any], mapped: list[Any], shared: list[Any]) -> list[Any]:
        env.update((value, one[None]) for value, one in zip(graph.inputs, mapped, strict=True))
        graph.evaluate(env, parts)
        return [jax_row(one.make(env)) for one in made]

    return cut(trace, ("outputs", tuple(id(one.make) for one in made)), body, graph.ancestors(parts))


def jax_row(value: Any) -> Any:
    """Return the one picture's row of a result."""
    import jax

    return jax.numpy.asarray(value)[0]


def rows(flat: list[Any], indices: np.ndarray) -> list[Any]:
    """Return rows of flat inputs, without a copy where it is all of them."""
    if len(indices) == int(flat[0].shape[0]):
        return list(flat)
    return [to_rows(x)[int(indices[0]) : int(indices[-1]) + 1] for x in flat]


def to_rows(values: Any) -> Any:
    """Return NumPy's array where JAX's lies on the CPU: cutting that compiles nothing."""
    if isinstance(values, np.ndarray) or next(iter(values.devices())).platform != "cpu":
        return values
    return np.asarray(values)


def differentiated(run: Cut, weights: list[Any], given: list[Any]) -> list[Any]:
    """Return what a function with a gradient in it gives; a step that has none is named."""
    try:
        return run(weights, given)
    except (ValueError, NotImplementedError) as error:
        if "differentiat" not in str(error) and "JVP" not in str(error):
            raise
        raise GradientError(
            f"a step between the layer and the score has no gradient in JAX ({str(error).splitlines()[0]}); "
            "choose a later layer, or method='scorecam', which needs no gradient"
        ) from error


def exhausted(error: BaseException) -> bool:
    """Return whether an error says that memory ran out."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
