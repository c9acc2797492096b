"""The passes through a model that evidence is made of, for one layer and one score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine import batches
from visioncam_core.engine.batches import COUNTERS, Budget, joined
from visioncam_core.engine.half_precision import try_multiples
from visioncam_core.engine.layer_table import Layout
from visioncam_core.engine.records import Cotangent, Make, PassResult, Read, TailInputs
from visioncam_core.ops import concatenate
from visioncam_engines.keras.records import Recorded
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.tracing.trace_model import Trace

Flat = list[Any]
"""The model's inputs in flat order, each with a batch axis."""


@attrs.frozen(eq=False)
class GraphPasses:
    """Passes through one traced model; see `visioncam_core.engine.interface.Passes`.

    Attributes:
        trace, score, record, layout: the model, the score, the layer, and where its space is.
        reshape: the user's own `(N, ...) -> (N, *grid, K)`, or None.
        budget: what bounds a batch.
        channels_first: whether the image input is (K, *space).
    """

    trace: Trace
    score: cuts.GraphScore
    record: Recorded
    layout: Layout
    reshape: Callable[[Any], Any] | None
    budget: Budget
    channels_first: bool

    def _grid(self, tensors: list[Any]) -> Any:
        import tensorflow as tf

        value = tensors[0] if len(tensors) == 1 else tf.stack(tensors, axis=1)
        value = self.reshape(value) if self.reshape is not None else to_grid(value, self.layout)
        return to_host(tf.convert_to_tensor(value))

    def _size(self, batch: int) -> int:
        return 1 if self.trace.exact else min(self.budget.plain, batch)

    def probe(self, inputs: Flat, classes: np.ndarray) -> PassResult:
        import tensorflow as tf

        count = len(self.record.tensors)
        run = cuts.probe(self.trace, self.record, self.score)
        half = self.record.tensors[0].dtype == tf.float16

        def one(indices: np.ndarray) -> PassResult:
            part = [take(x, indices) for x in inputs]
            chosen = tf.constant(classes[indices], tf.int32)

            def scaled(scale: float) -> tuple[Any, list[Any]]:
                found = run(*part, chosen, _multiple(scale))
                COUNTERS.add("forward", len(indices))
                COUNTERS.add("backward", len(indices))
                return self._grid(found[count : 2 * count]), found

            gradients, out = try_multiples(scaled) if half else scaled(1.0)
            return self._seen(out[:count], None, gradients, out)

        return joined(in_batches(len(inputs[0]), self._size(len(inputs[0])), one))

    def _seen(self, at: list[Any], sides: list[Any] | None, gradients: Any, out: list[Any]) -> PassResult:
        one = int(out[-1].shape[0]) == 1
        held = TailInputs(tuple(at), None if sides is None else tuple(sides)) if one else None
        return PassResult(self._grid(at), gradients, to_host(out[-2]), to_host(out[-1]), held)

    def watch(self, inputs: Flat, cotangents: Sequence[Cotangent]) -> list[PassResult]:
        import tensorflow as tf

        count = len(self.record.tensors)
        if not cotangents:
            parted = cuts.split(self.trace, self.record, self.score)
            head, backward = parted.head, None
        else:
            head, backward = cuts.tail_backward(self.trace, self.record, self.score)
        half = self.record.tensors[0].dtype == tf.float16

        def one(indices: np.ndarray) -> list[PassResult]:
            out = head(*[take(x, indices) for x in inputs])
            COUNTERS.add("forward", len(indices))
            seen = self._seen(out[:count], out[count:-2] if backward is None else None, None, out)
            if backward is None:
                return [seen]
            found = []
            for cotangent in cotangents:
                slope = tf.cast(tf.convert_to_tensor(cotangent(out[-2], indices, out[-1])), tf.float32)

                def scaled(scale: float, slope: Any = slope) -> tuple[Any, None]:
                    COUNTERS.add("backward", len(indices))
                    return self._grid(backward(*out[:-2], slope * _multiple(scale))), None

                found.append(
                    attrs.evolve(seen, gradients=(try_multiples(scaled) if half else scaled(1.0))[0])
                )
            return found

        parts = in_batches(len(inputs[0]), self._size(len(inputs[0])), one)
        return [joined(list(seen)) for seen in zip(*parts, strict=True)]

    def tail_inputs(self, single: Flat, known: TailInputs | None) -> TailInputs:
        """Return what the tail needs for one picture; the head runs again only for what is not `known`."""
        if known is not None and known.activations:
            if known.sides is not None:
                return known
            if not cuts.sides_of(self.trace, self.record, self.score):
                return TailInputs(known.activations, ())
        number = len(self.record.tensors)
        out = cuts.split(self.trace, self.record, self.score).head(*single)
        COUNTERS.add("head", 1)
        return TailInputs(tuple(out[:number]), tuple(out[number:-2]))

    def forward(self, single: Flat, image: int, make: Make, count: int, read: Read) -> Any:
        run = cuts.forward(self.trace, self.score)

        def one(indices: np.ndarray) -> Any:
            versions = cast_to(make(indices), single[image].dtype)
            part = [versions if i == image else _tile(x, len(indices)) for i, x in enumerate(single)]
            values, answer = run(*part)
            COUNTERS.add("forward", len(indices))
            return read(to_host(values), to_host(answer))

        return concatenate(in_batches(count, self._size(count), one))

    def tail(self, single: Flat, at_layer: TailInputs | None, make: Make, count: int, read: Read) -> Any:
        parted = cuts.split(self.trace, self.record, self.score)
        known = self.tail_inputs(single, at_layer)
        sides = known.sides or ()

        def one(indices: np.ndarray) -> Any:
            parts = self._put(make(indices), known.activations[0])
            values, answer = parted.tail(*parts, *[_tile(side, len(indices)) for side in sides])
            COUNTERS.add("tail", len(indices))
            return read(to_host(values), to_host(answer))

        return concatenate(in_batches(count, self._size(count), one))

    def _put(self, versions: Any, original: Any) -> list[Any]:
        """Return the layer's outputs from versions (b, *grid, K) of its activations."""
        import tensorflow as tf

        number = len(self.record.tensors)
        changed = from_grid(tf.convert_to_tensor(versions), self.layout, tf.cast(original, tf.float32))
        changed = tf.cast(changed, original.dtype)
        changed.set_shape([None, *self.record.tensors[0].shape[1:]] if number == 1 else changed.shape)
        return [changed] if number == 1 else tf.unstack(changed, num=number, axis=1)

    def tail_gradients(
        self, single: Flat, at_layer: TailInputs | None, make: Make, count: int, cotangent: Cotangent
    ) -> Any:
        import tensorflow as tf

        head, backward = cuts.tail_backward(self.trace, self.record, self.score)
        tail = cuts.split(self.trace, self.record, self.score).tail
        known, out, number = self.tail_inputs(single, at_layer), head(*single), len(self.record.tensors)
        COUNTERS.add("head", 1)

        def one(indices: np.ndarray) -> Any:
            parts = self._put(make(indices), known.activations[0])
            values, answer = tail(*parts, *[_tile(side, len(indices)) for side in known.sides or ()])
            slope = tf.cast(tf.convert_to_tensor(cotangent(values, indices, answer)), tf.float32)
            COUNTERS.add("tail", len(indices))
            COUNTERS.add("backward", len(indices))
            sides = [_tile(side, len(indices)) for side in out[number:-2]]
            return self._grid(backward(*parts, *sides, slope))

        return concatenate(in_batches(count, self._size(count), one))


@lru_cache(maxsize=4)
def _multiple(scale: float) -> Any:
    import tensorflow as tf

    with tf.init_scope():
        return tf.constant(scale, tf.float32)


def take(value: Any, indices: np.ndarray) -> Any:
    """Return rows of a flat input, without a copy where it is the whole of it."""
    if len(indices) == int(value.shape[0]):
        return value
    return value[int(indices[0]) : int(indices[-1]) + 1]


def _tile(value: Any, count: int) -> Any:
    """Repeat the one picture's values along the batch axis, also where windows were folded into it."""
    import tensorflow as tf

    if count == 1 or value.shape.rank == 0:
        return value
    return tf.tile(value, [count] + [1] * (value.shape.rank - 1))


def to_grid(values: Any, layout: Layout) -> Any:
    """Return `(N, *grid, K)` from a layer's output in the given layout; works on tensors."""
    import tensorflow as tf

    if layout.kind == "channels_first":
        return cuts.channels_last(values)
    if layout.prefix + layout.suffix:
        end = values.shape[layout.axis] - layout.suffix
        values = values[(slice(None),) * layout.axis + (slice(layout.prefix, end),)]
    if layout.split:
        values = tf.reshape(values, [-1, *layout.split])
        values = tf.transpose(values, [0, *(place + 1 for place in layout.order)])
    if layout.split or layout.kind == "tokens":
        return tf.reshape(values, [-1, *layout.grid, layout.channels])
    return values


def from_grid(values: Any, layout: Layout, original: Any) -> Any:
    """Return a layer's output from `(B, *grid, K)`; tokens beside the picture's are taken from `original`."""
    import tensorflow as tf

    if layout.kind == "channels_first":
        return cuts.channels_first(values)
    if not layout.split and layout.kind != "tokens":
        return values
    if layout.split:
        values = tf.reshape(values, [-1, *(layout.split[place] for place in layout.order)])
        back = [layout.order.index(place) + 1 for place in range(len(layout.order))]
        values = tf.transpose(values, [0, *back])
    shape, axis = [int(n) for n in original.shape[1:]], layout.axis
    shape[axis - 1] -= layout.prefix + layout.suffix
    values = tf.reshape(values, [-1, *shape])
    if not layout.prefix + layout.suffix:
        return values
    every, end = (slice(None),) * axis, original.shape[axis] - layout.suffix
    lead, trail = original[(*every, slice(layout.prefix))], original[(*every, slice(end, None))]
    count = tf.shape(values)[0]
    return tf.concat([tf.repeat(lead, count, axis=0), values, tf.repeat(trail, count, axis=0)], axis=axis)


def in_batches(count: int, size: int, run: Callable[[np.ndarray], Any]) -> list[Any]:
    """Return `run(indices)` for `count` items, at most `size` at a time, fewer once memory runs out."""
    return list(batches.in_batches(count, size, run, _exhausted))


def _exhausted(error: BaseException) -> bool:
    import tensorflow as tf

    full = "no space left" in str(error).lower()  # a full disk has the same name
    return isinstance(error, tf.errors.ResourceExhaustedError | MemoryError) and not full


def to_host(tensor: Any) -> Any:
    """Return a tensor as methods see it: NumPy on the CPU, the tensor itself on an accelerator.

    Half precision is widened to float32, since sums over positions lose it.
    """
    import tensorflow as tf

    if tensor.dtype in (tf.float16, tf.bfloat16):
        tensor = tf.cast(tensor, tf.float32)
    if "CPU" in tensor.device or not tensor.device:
        return np.asarray(tensor)  # .numpy() copies
    return tensor


def cast_to(values: Any, dtype: Any) -> Any:
    """Return changed pictures in the dtype a model takes; whole numbers are rounded and kept in range."""
    import tensorflow as tf

    values = tf.convert_to_tensor(values)
    if dtype.is_integer and values.dtype.is_floating:
        return tf.saturate_cast(tf.round(values), dtype)
    return tf.cast(values, dtype)
