"""Scores of many changed versions of one picture, made where they are used: inside the graph.

What is sent into the graph is small: maps on the layer's grid, or channel numbers.  Pictures and
activations exist for one batch at a time, and how large a batch is follows from what one version needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.records import AttentionResult, Change, Cotangent, Read, Reading, TailInputs
from visioncam_core.ops import concatenate, without_channels
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.graph.extract import carve
from visioncam_engines.tensorflow.run.attention import attention
from visioncam_engines.tensorflow.run.channels import Mixing, mixing, without
from visioncam_engines.tensorflow.run.memory import at_once, need_of
from visioncam_engines.tensorflow.run.passes import Flat, GraphPasses, cast_to, in_batches, to_host

MOST_CHANGES = 4


@attrs.frozen(eq=False)
class ModelPasses(GraphPasses):
    """All passes through one traced model."""

    def through(
        self,
        single: Flat,
        image: int,
        change: Change,
        maps: Any,
        read: Read,
        extra: Sequence[np.ndarray] = (),
    ) -> Any:
        """Run the model on one picture changed by each map; the change becomes part of a kept graph."""
        run, need = _changing(self, single, image, change, tuple(maps.shape[1:]), extra)

        def one(indices: np.ndarray) -> Any:
            values, answer = run(maps[int(indices[0]) : int(indices[-1]) + 1], *extra, *single)
            COUNTERS.add("forward", len(indices))
            return read(to_host(values), to_host(answer))

        size = 1 if self.trace.exact else min(self.budget.batch(need), self.budget.pictures or at_once())
        return concatenate(in_batches(int(maps.shape[0]), size, one))

    def without(
        self, single: Flat, at_layer: TailInputs | None, activations: Any, channels: np.ndarray, read: Read
    ) -> Any:
        """Run, without each channel, what lies behind the first step that mixes them; else the tail."""
        found = _mixing(self)
        if found is None:
            make = lambda indices: without_channels(activations, channels[indices])  # noqa: E731
            return self.tail(single, at_layer, make, len(channels), read)
        import tensorflow as tf

        known = self.tail_inputs(single, at_layer)
        start, run, need = _leaving_out(self, found)
        source, result, weights = start(*known.activations)
        nothing = start(*[tf.zeros_like(one) for one in known.activations])[0]
        which = tf.constant(channels, tf.int32)

        def one(indices: np.ndarray) -> Any:
            part = which[int(indices[0]) : int(indices[-1]) + 1]
            values, answer = run(source - nothing, result, weights, part, *(known.sides or ()))
            COUNTERS.add("tail", len(indices))
            return read(to_host(values), to_host(answer))

        return concatenate(in_batches(len(channels), self.budget.batch(need), one))

    def attention(
        self, flat: Flat, cotangent: Cotangent | None = None, reading: Reading = "score"
    ) -> AttentionResult:
        """Run forward with every attention's weights fetched, and backward to them."""
        return attention(self, flat, cotangent, reading)


def _changing(
    passes: GraphPasses,
    single: Flat,
    image: int,
    change: Change,
    grid: tuple[int, ...],
    extra: Sequence[np.ndarray],
) -> tuple[Any, int | None]:
    """Return `(maps, *extra, *inputs of batch 1) -> [values, answer]`, and what one version needs."""
    trace, score, first = passes.trace, passes.score, passes.channels_first
    shapes = [tuple(x.shape[1:]) for x in single]

    def make() -> tuple[Any, int | None]:
        import tensorflow as tf

        def prepare(maps: Any, *given: Any) -> list[Any]:
            others, inputs = given[: len(extra)], given[len(extra) :]
            x = tf.cast(inputs[image], tf.float32)
            versions = change(cuts.channels_last(x) if first else x, maps, *others)
            versions = cast_to(cuts.channels_first(versions) if first else versions, inputs[image].dtype)
            versions.set_shape([None, *shapes[image]])
            return [versions if i == image else _repeated(x, tf.shape(maps)[0]) for i, x in enumerate(inputs)]

        fetches = [score.values, score.answer]
        specs = [tf.TensorSpec([None, *grid], tf.float32)]
        specs += [tf.TensorSpec(one.shape, one.dtype) for one in extra]
        specs += [tf.TensorSpec([1, *shape], x.dtype) for shape, x in zip(shapes, single, strict=True)]
        run = carve(trace.graph, list(trace.inputs), fetches, prepare, specs, trace.replaced)
        COUNTERS.add("cuts")
        return run, need_of(run.graph)

    key = (score.key, image, change, grid, tuple(one.shape for one in extra), tuple(shapes))
    return cuts.once(trace, key, make, "changes", MOST_CHANGES)


def _mixing(passes: GraphPasses) -> Mixing | None:
    trace, score = passes.trace, passes.score
    if trace.exact or passes.reshape is not None:
        return None
    key, fetches = ("mixing", passes.record.path, score.key), [score.values, score.answer]
    return cuts.once(trace, key, lambda: mixing(passes.record, passes.layout, fetches, list(trace.inputs)))


def _leaving_out(passes: GraphPasses, found: Mixing) -> tuple[Any, Any, int | None]:
    """Return the way to where channels meet and the way behind it, and what one version needs.

    The first is `(A) -> [source, result, weights]`, the second `(source less what zeros become, result,
    weights, channels, *sides) -> [values, answer]`.
    """
    trace, score, record = passes.trace, passes.score, passes.record

    def make() -> tuple[Any, Any, int | None]:
        import tensorflow as tf

        sides, fetches = cuts.sides_of(trace, record, score), [score.values, score.answer]

        def prepare(change: Any, result: Any, weights: Any, which: Any, *others: Any) -> list[Any]:
            changed = without(found, change, result, weights, which)
            changed.set_shape([None, *result.shape[1:]])
            return [changed, *(_repeated(side, tf.shape(which)[0]) for side in others)]

        tensors = [found.source, found.result, found.weights]
        shapes = [[1, *found.source.shape[1:]], [1, *found.result.shape[1:]], found.weights.shape]
        specs = [tf.TensorSpec(shape, one.dtype) for shape, one in zip(shapes, tensors, strict=True)]
        specs.append(tf.TensorSpec([None], tf.int32))
        specs += [
            tf.TensorSpec([1, *side.shape[1:]] if side.shape.rank else [], side.dtype) for side in sides
        ]
        start = carve(trace.graph, list(record.tensors), tensors, replaced=trace.replaced)
        run = carve(trace.graph, [found.result, *sides], fetches, prepare, specs, trace.replaced)
        COUNTERS.add("cuts", 2)
        return start, run, need_of(run.graph)

    return cuts.once(trace, ("leaving-out", record.path, score.key), make)


def _repeated(value: Any, count: Any) -> Any:
    import tensorflow as tf

    if value.shape.rank == 0:
        return value
    tiled = tf.tile(value, tf.concat([[count], tf.ones([value.shape.rank - 1], tf.int32)], axis=0))
    tiled.set_shape([None, *value.shape[1:]])
    return tiled
