"""What the graph does not tell, the model does, on one seeded noise picture: by gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.placing import astray, centre, corners
from visioncam_core.engine.layer_table import LayerRow, Layout
from visioncam_core.engine.layouts import to_grid
from visioncam_core.errors import LayerError
from visioncam_engines.jax.cuts import cut
from visioncam_engines.jax.graph import Graph, Value
from visioncam_engines.jax.score import JaxScore
from visioncam_engines.jax.table import Places
from visioncam_engines.jax.tracing import Trace
from visioncam_engines.keras.records import Recorded


def noise(trace: Trace) -> list[np.ndarray]:
    """Return one seeded noise picture."""
    draw = np.random.default_rng(0)
    return [draw.uniform(-1, 1, x.shape).astype(np.float32).astype(x.dtype) for x in trace.graph.inputs]


def slopes(trace: Trace, score: JaxScore, at: list[Value]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return value and gradient of some values on noise, for the sum of the score's values and squares.

    Each gradient is the whole one, through those of the others that are computed from it.
    """
    graph = trace.graph

    def body(env: dict[Value, Any], mapped: list[Any], shared: list[Any]) -> list[Any]:
        import jax

        env.update((value, one[None]) for value, one in zip(graph.inputs, mapped, strict=True))
        held = [graph.evaluate(dict(env), [one])[0] for one in at]

        def behind(added: list[Any]) -> Any:
            now = dict(env)
            for value, more in zip(at, added, strict=True):
                graph.evaluate(now, [value])
                now[value] = now[value] + more
            return _squared(now, score, graph)

        return [*held, *jax.grad(behind)([jax.numpy.zeros_like(one) for one in held])]

    return _run(trace, ("slopes", tuple(id(one) for one in at), score.key), body, score, at)


def _squared(env: dict[Value, Any], score: JaxScore, graph: Graph) -> Any:
    graph.evaluate(env, score.values.parts)
    made = score.values.make(env)
    return (made * made + made).sum()


def _run(trace: Trace, key: Any, body: Any, score: JaxScore, at: list[Value]) -> list[tuple[Any, Any]]:
    run = cut(trace, key, body, trace.graph.ancestors([*score.values.parts, *at]))
    every = [np.asarray(one, np.float32) for one in run(trace.weights(), noise(trace))]
    COUNTERS.add("forward")
    COUNTERS.add("backward")
    return list(zip(every[: len(at)], every[len(at) :], strict=True))


def token_support(
    trace: Trace, score: JaxScore, places: Places
) -> Callable[[Sequence[LayerRow]], list[float]]:
    """Return what tells of token rows which share of the patches' tokens receives a gradient."""

    def measured(rows: Sequence[LayerRow]) -> list[float]:
        every = [list(trace.record(row.path).tensors) for row in rows]
        found = iter(slopes(trace, score, [one for values in every for one in values]))
        shares = []
        for row, values in zip(rows, every, strict=True):
            if row.layout is None:
                raise LayerError(f"layer {row.path!r} has no tokens")
            axis = places.batch_axis(values[0]) or 0
            one = [np.moveaxis(next(found)[1][0], axis, 0) for _ in values]
            whole = one[0] if len(one) == 1 else np.stack(one, axis=1)
            size = np.abs(to_grid(np, whole, row.layout)[0]).max(-1)
            shares.append(float((size > 0).mean()))
        return shares

    def once(rows: Sequence[LayerRow]) -> list[float]:
        found: list[float] = trace.once(
            ("token-support", score.key, tuple(row.path for row in rows)), lambda: measured(rows)
        )
        return found

    return once


def around(trace: Trace, score: JaxScore) -> Callable[[LayerRow], float]:
    """Return what tells of a row which share of the evidence, Σ |A ∘ G|, flows around it."""
    graph = trace.graph

    def measured(row: LayerRow) -> float:
        at = list(trace.record(row.path).tensors)
        sides = [one for one in graph.sides(score.values.parts, at) if one.floating]
        if not sides:
            return 0.0
        terms = [float(np.abs(a * g).sum()) for a, g in _together(trace, score, [*at, *sides])]
        by = sum(terms[len(at) :])
        return by / sum(terms) if by > 0 else 0.0

    return lambda row: float(trace.once(("share around", row.path, score.key), lambda: measured(row)))


def _together(trace: Trace, score: JaxScore, at: list[Value]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return value and gradient of values on noise, each as if the others did not depend on it."""
    graph = trace.graph

    def body(env: dict[Value, Any], mapped: list[Any], shared: list[Any]) -> list[Any]:
        import jax

        env.update((value, one[None]) for value, one in zip(graph.inputs, mapped, strict=True))
        graph.evaluate(env, at)
        fixed = {one: held for one, held in env.items() if one in graph.weights or one in graph.inputs}
        held = [env[one] for one in at]

        def behind(given: list[Any]) -> Any:
            return _squared({**fixed, **dict(zip(at, given, strict=True))}, score, graph)

        return [*held, *jax.grad(behind)(held)]

    return _run(trace, ("together", tuple(id(one) for one in at), score.key), body, score, at)


def refusal(trace: Trace, places: Places, image: int) -> Callable[[LayerRow], str]:
    """Return what tells of a row with a guessed layout why it is wrong, or ""."""

    def measured(row: LayerRow) -> str:
        record = trace.record(row.path)
        if row.layout is None or len(record.tensors) != 1 or record.inside:
            return "the graph does not show where its positions lie"
        return astray(_centres(trace, record, row.layout, places, image), row.layout, places.image(image))

    def once(row: LayerRow) -> str:
        return str(trace.once(("local", row.path, image), lambda: measured(row))) if row.guessed else ""

    return once


def _centres(
    trace: Trace, record: Recorded, layout: Layout, places: Places, image: int
) -> dict[tuple[int, ...], np.ndarray] | None:
    """Return corner of the grid -> centre of the energy of its gradient in the picture, in pixels."""
    graph, value, picture = trace.graph, record.tensors[0], trace.graph.inputs[image]
    if not picture.floating:
        return None
    every = corners(layout)
    mix = np.random.default_rng(0).normal(size=layout.channels).astype(np.float32)

    def body(env: dict[Value, Any], mapped: list[Any], shared: list[Any]) -> list[Any]:
        import jax

        env.update((one, held[None]) for one, held in zip(graph.inputs, mapped, strict=True))

        def mixed(x: Any) -> Any:
            (found,) = graph.evaluate({**env, picture: x}, [value])
            found = jax.numpy.moveaxis(found, places.batch_axis(value) or 0, 0).astype("float32")
            grid = to_grid(jax.numpy, found, layout)[0]
            return jax.numpy.stack([(grid[at] * mix).sum() for at in every])

        return list(jax.jacrev(mixed)(env[picture]))

    found = {}
    run = cut(trace, ("corners", record.path, image), body, graph.ancestors([value]))
    for at, gradient in zip(every, run(trace.weights(), noise(trace)), strict=True):
        COUNTERS.add("backward")
        energy = np.square(np.asarray(gradient, np.float64)[0, 0])
        middle = centre(energy.sum(axis=0 if places.inputs.channels_first else -1))
        if middle is None:
            return None
        found[at] = middle
    return found
