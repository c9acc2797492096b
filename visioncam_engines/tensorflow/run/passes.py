"""The passes through a model that evidence is made of, for one layer and one score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS, Budget
from visioncam_core.engine.layer_table import Layout
from visioncam_core.engine.records import Cotangent, Make, PassResult, Read, TailInputs
from visioncam_core.ops import concatenate
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.layouts import from_grid, to_grid
from visioncam_engines.tensorflow.run.batches import fed, home, in_batches
from visioncam_engines.tensorflow.run.half_precision import is_half, multiple, telling
from visioncam_engines.tensorflow.tracing.trace_model import Recorded, Trace

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
        return home(tf.convert_to_tensor(value))

    def _size(self, batch: int) -> int:
        return 1 if self.trace.exact else min(self.budget.plain, batch)

    def probe(self, inputs: Flat, classes: np.ndarray) -> PassResult:
        """Run one forward pass and one tail-backward pass for class targets."""
        import tensorflow as tf

        count = len(self.record.tensors)
        run = cuts.probe(self.trace, self.record, self.score)
        half = is_half(self.record.tensors[0])

        def one(indices: np.ndarray) -> PassResult:
            part = [_take(x, indices) for x in inputs]
            chosen = tf.constant(classes[indices], tf.int32)

            def scaled(scale: float) -> tuple[Any, list[Any]]:
                found = run(*part, chosen, multiple(scale))
                _count(len(indices), "forward", "backward")
                return self._grid(found[count : 2 * count]), found

            gradients, out = telling(scaled, half)
            return self._seen(out[:count], None, gradients, out)

        return _join(list(in_batches(_length(inputs), self._size(_length(inputs)), one)))

    def _seen(self, at: list[Any], sides: list[Any] | None, gradients: Any, out: list[Any]) -> PassResult:
        one = int(out[-1].shape[0]) == 1
        held = TailInputs(tuple(at), None if sides is None else tuple(sides)) if one else None
        return PassResult(self._grid(at), gradients, home(out[-2]), home(out[-1]), held)

    def watch(self, inputs: Flat, cotangents: Sequence[Cotangent]) -> list[PassResult]:
        """Run one forward pass, and the tail's gradient for each of any number of targets."""
        import tensorflow as tf

        count = len(self.record.tensors)
        if not cotangents:
            parted = cuts.split(self.trace, self.record, self.score)
            head, backward = parted.head, None
        else:
            head, backward = cuts.tail_backward(self.trace, self.record, self.score)
        half = is_half(self.record.tensors[0])

        def one(indices: np.ndarray) -> list[PassResult]:
            out = head(*[_take(x, indices) for x in inputs])
            _count(len(indices), "forward")
            seen = self._seen(out[:count], out[count:-2] if backward is None else None, None, out)
            if backward is None:
                return [seen]
            found = []
            for cotangent in cotangents:
                slope = tf.cast(tf.convert_to_tensor(cotangent(out[-2], indices)), tf.float32)

                def scaled(scale: float, slope: Any = slope) -> tuple[Any, None]:
                    _count(len(indices), "backward")
                    return self._grid(backward(*out[:-2], slope * multiple(scale))), None

                found.append(attrs.evolve(seen, gradients=telling(scaled, half)[0]))
            return found

        parts = list(in_batches(_length(inputs), self._size(_length(inputs)), one))
        return [_join(list(seen)) for seen in zip(*parts, strict=True)]

    def tail_inputs(self, single: Flat, known: TailInputs | None) -> TailInputs:
        """Return what the tail needs for one picture; the head runs again only for what is not `known`."""
        if known is not None and known.activations:
            if known.sides is not None:
                return known
            if not cuts.sides_of(self.trace, self.record, self.score):
                return TailInputs(known.activations, ())
        number = len(self.record.tensors)
        out = cuts.split(self.trace, self.record, self.score).head(*single)
        _count(1, "head")
        return TailInputs(tuple(out[:number]), tuple(out[number:-2]))

    def forward(
        self,
        single: Flat,
        image: int,
        make: Make,
        count: int,
        read: Read,
    ) -> Any:
        """Run the whole model on versions of one picture."""
        run = cuts.forward(self.trace, self.score)

        def one(indices: np.ndarray) -> Any:
            versions = fed(make(indices), single[image].dtype)
            part = [versions if i == image else _tile(x, len(indices)) for i, x in enumerate(single)]
            values, answer = run(*part)
            _count(len(indices), "forward")
            return read(home(values), home(answer))

        return concatenate(list(in_batches(count, self._size(count), one)))

    def tail(
        self,
        single: Flat,
        at_layer: TailInputs | None,
        make: Make,
        count: int,
        read: Read,
    ) -> Any:
        """Run what is behind the layer on versions of its activations; what it needs besides is repeated."""
        import tensorflow as tf

        parted = cuts.split(self.trace, self.record, self.score)
        number = len(self.record.tensors)
        known = self.tail_inputs(single, at_layer)
        original, sides = known.activations[0], known.sides or ()

        def one(indices: np.ndarray) -> Any:
            changed = from_grid(
                tf.convert_to_tensor(make(indices)), self.layout, tf.cast(original, tf.float32)
            )
            changed = tf.cast(changed, original.dtype)
            changed.set_shape([None, *self.record.tensors[0].shape[1:]] if number == 1 else changed.shape)
            parts = [changed] if number == 1 else tf.unstack(changed, num=number, axis=1)
            values, answer = parted.tail(*parts, *[_tile(side, len(indices)) for side in sides])
            _count(len(indices), "tail")
            return read(home(values), home(answer))

        return concatenate(list(in_batches(count, self._size(count), one)))


def _take(value: Any, indices: np.ndarray) -> Any:
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


def _length(inputs: Flat) -> int:
    return int(inputs[0].shape[0])


def _count(pictures: int, *names: str) -> None:
    for name in names:
        COUNTERS.add(name, pictures)


def _join(parts: list[PassResult]) -> PassResult:
    if len(parts) == 1:
        return parts[0]
    columns: list[Any] = []
    for column in zip(*(attrs.astuple(part, recurse=False)[:-1] for part in parts), strict=True):
        columns.append(None if column[0] is None else concatenate(list(column)))
    return PassResult(*columns)
