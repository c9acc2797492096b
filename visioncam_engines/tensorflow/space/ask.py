"""Where the graph does not tell where positions lie, the model does: by what they depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.placing import astray, centre, corners
from visioncam_core.engine.layer_table import LayerRow, Layout
from visioncam_core.errors import GradientError
from visioncam_engines.keras.records import Recorded
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.graph.graph import descendants
from visioncam_engines.tensorflow.run.passes import to_grid
from visioncam_engines.tensorflow.tracing.trace_model import Trace


def _of_any_class(score: cuts.GraphScore) -> Any:
    import tensorflow as tf

    return tf.reduce_sum(tf.square(score.values) + score.values)


def support(trace: Trace, records: list[Recorded], score: cuts.GraphScore) -> Any:
    """Return `(*inputs) -> [G of each record]` for the sum of the score's values squared (any class)."""

    def build() -> tuple[list[Any], list[Any]]:
        import tensorflow as tf

        at = [tensor for record in records for tensor in record.tensors]
        try:
            gradients = cuts.slopes(_of_any_class(score), at)
        except GradientError:  # nothing is known of them
            gradients = [tf.ones_like(one) for one in at]
        found = iter(tf.zeros_like(x) if g is None else g for g, x in zip(gradients, at, strict=True))
        steps = [[next(found) for _ in record.tensors] for record in records]
        return list(trace.inputs), [one[0] if len(one) == 1 else tf.stack(one, axis=1) for one in steps]

    return cuts.cut(trace, ("support", tuple(r.path for r in records), score.key), build)


def shapes(trace: Trace, records: list[Recorded]) -> Any:
    """Return `(*inputs) -> [shape of each record]`."""

    def build() -> tuple[list[Any], list[Any]]:
        import tensorflow as tf

        return list(trace.inputs), [tf.shape(record.tensors[0]) for record in records]

    return cuts.cut(trace, ("shapes",), build)


def refusal(trace: Trace, image: int, channels_first: bool, flat: list[Any]) -> Callable[[LayerRow], str]:
    """Return what tells of a row with a guessed layout why it is wrong, or ""."""

    def measured(row: LayerRow) -> str:
        record = trace.by_path[row.path]
        if row.layout is None or len(record.tensors) != 1 or record.inside:
            return "the graph does not show where its positions lie"
        centres = _centres(trace, record, row.layout, image, channels_first, flat)
        shape = tuple(flat[image].shape)[1:]
        return astray(centres, row.layout, shape[1:] if channels_first else shape[:-1])

    def once(row: LayerRow) -> str:
        if not row.guessed:
            return ""
        key = ("local", row.path, image, tuple(x.shape for x in flat))
        return str(cuts.once(trace, key, lambda: measured(row)))

    return once


def noise(like: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Return one seeded noise picture: an input of each (shape, dtype)."""
    import tensorflow as tf

    draw = np.random.default_rng(0)
    drawn = [tf.constant(draw.uniform(-1, 1, (1, *shape[1:])), tf.float32) for shape, _ in like]
    return [tf.cast(values, dtype) for values, (_, dtype) in zip(drawn, like, strict=True)]


def around(trace: Trace, score: cuts.GraphScore, flat: list[Any]) -> Callable[[LayerRow], float]:
    """Return what tells of a row which share of the evidence, Σ |A ∘ G|, flows around it, on noise."""
    picture = [(x.shape, x.dtype) for x in flat]

    def measured(row: LayerRow) -> float:
        import tensorflow as tf

        record = trace.by_path[row.path]
        seen = descendants(list(trace.inputs), values=True)  # learned queries are no way around
        sides = [
            one for one in cuts.sides_of(trace, record, score) if one.dtype.is_floating and id(one) in seen
        ]
        if not sides:
            return 0.0
        at = [*record.tensors, *sides]

        def build() -> tuple[list[Any], list[Any]]:
            pairs = zip(cuts.slopes(_of_any_class(score), at), at, strict=True)
            sums = [
                0.0 if g is None else tf.reduce_sum(tf.abs(tf.cast(g * one, tf.float32))) for g, one in pairs
            ]
            return list(trace.inputs), [tf.stack(sums)]

        try:
            found = cuts.cut(trace, ("around", row.path, score.key), build)(*noise(picture))[0].numpy()
        except GradientError:
            return 0.0
        COUNTERS.add("forward")
        COUNTERS.add("backward")
        through, by = found[: len(record.tensors)].sum(), found[len(record.tensors) :].sum()
        return float(by / (through + by)) if by > 0 else 0.0

    return lambda row: float(cuts.once(trace, ("share around", row.path, score.key), lambda: measured(row)))


def _centres(
    trace: Trace, record: Any, layout: Layout, image: int, channels_first: bool, flat: list[Any]
) -> dict[tuple[int, ...], np.ndarray] | None:
    """Return corner of the grid -> centre of the energy of its gradient in the picture, in pixels.

    On one seeded noise picture; None where nothing can be differentiated.
    """
    import tensorflow as tf

    places = corners(layout)
    draw = np.random.default_rng(0)
    mix = tf.constant(draw.normal(size=layout.channels), tf.float32)

    def build() -> tuple[list[Any], list[Any]]:
        grid = tf.cast(to_grid(record.tensors[0], layout), tf.float32)
        found = [cuts.slopes(tf.reduce_sum(grid[(0, *at)] * mix), [trace.inputs[image]])[0] for at in places]
        missing = tf.zeros_like(trace.inputs[image])
        return list(trace.inputs), [missing if one is None else one for one in found]

    try:
        run = cuts.cut(trace, ("corners", record.path, image), build)
    except (GradientError, TypeError):
        return None
    found = {}
    for at, gradient in zip(places, run(*noise([(x.shape, x.dtype) for x in flat])), strict=True):
        COUNTERS.add("backward")
        energy = np.square(tf.cast(gradient, tf.float32).numpy()[0].astype(np.float64))
        energy = energy.sum(axis=0 if channels_first else -1)
        middle = centre(energy)
        if middle is None:
            return None
        found[at] = middle
    return found
