"""A traced model, and what is seen of it through one output: the score, the layers, the passes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.batches import COUNTERS, Budget
from visioncam_core.engine.defaults import HALF_TOLERANCE, TOLERANCE
from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable, Layout
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import named_output
from visioncam_core.engine.records import Note
from visioncam_core.errors import LayerError
from visioncam_engines.keras.checks import RUN, is_saved
from visioncam_engines.keras.records import Recorded
from visioncam_engines.tensorflow.graph import functions as cuts
from visioncam_engines.tensorflow.graph.saved_model import trace_saved, with_calls_inlined
from visioncam_engines.tensorflow.inputs import open_specs
from visioncam_engines.tensorflow.run.passes import to_grid
from visioncam_engines.tensorflow.run.perturb import ModelPasses
from visioncam_engines.tensorflow.space import ask
from visioncam_engines.tensorflow.space.places import Places
from visioncam_engines.tensorflow.tracing.batch_axis import rows_per_picture
from visioncam_engines.tensorflow.tracing.table import build_table
from visioncam_engines.tensorflow.tracing.trace_model import Trace, trace

MOST_VIEWS = 32
"""Kept of one trace: a model that takes pictures of any size has a table for each size."""


@attrs.frozen(eq=False)
class GraphView:
    """A traced model seen through one output and one kind of score.

    Attributes:
        trace: the traced model.
        score: the score, with its place in the graph.
        table: the layers.
        image: position of the image input.
        channels_first: whether the image input is (K, *space).
    """

    trace: Trace
    score: cuts.GraphScore
    table: LayerTable
    image: int
    channels_first: bool

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.trace.outputs)

    @property
    def notes(self) -> tuple[Note, ...]:
        return self.trace.notes

    @property
    def exact(self) -> bool:
        return self.trace.exact

    def record(self, row: LayerRow) -> Recorded:
        if row.is_input:
            return Recorded("<input>", "<input>", row.kind, (self.trace.inputs[self.image],), "", "")
        return self.trace.by_path[row.path]

    def passes(
        self, choice: LayerChoice, reshape: Callable[[Any], Any] | None, budget: Budget
    ) -> ModelPasses:
        layout, record = choice.row.layout or Layout("custom", (), 0), self.record(choice.row)
        return ModelPasses(self.trace, self.score, record, layout, reshape, budget, self.channels_first)


@attrs.frozen(eq=False)
class TracedModel:
    """A model as one graph, for inputs of certain sizes.

    Attributes:
        trace: the graph.
        model: a weak reference to the model.
        takes: axes and dtype of each input, None for an open axis.
    """

    trace: Trace
    model: weakref.ref[Any]
    takes: tuple[tuple[tuple[int | None, ...], Any], ...]

    @property
    def tolerance(self) -> float:
        half = any(record.tensors[0].dtype.size < 4 for record in self.trace.records)
        return HALF_TOLERANCE if half else TOLERANCE

    def fits(self, flat: list[Any]) -> bool:
        return len(flat) == len(self.takes) and all(
            x.dtype == dtype
            and len(shape) == len(x.shape)
            and all(want in (None, have) for want, have in zip(shape[1:], tuple(x.shape)[1:], strict=True))
            for x, (shape, dtype) in zip(flat, self.takes, strict=True)
        )

    def answers(self, flat: list[Any]) -> list[Any]:
        return list(cuts.outputs(self.trace)(*flat))

    def view(self, inputs: ModelInputs, flat: list[Any], output: str | int | None, wanted: str) -> GraphView:
        trace = self.trace
        name = named_output(trace.outputs, output)
        first = inputs.channels_first and trace.outputs[name].shape.rank == flat[inputs.image].shape.rank
        score = cuts.score_of(trace, name, wanted, flat, first)
        key = (score.key, inputs.image, tuple(tuple(x.shape[1:]) for x in flat))

        def make() -> GraphView:
            sizes = {i: tuple(int(n) for n in flat[i].shape[1:]) for i in inputs.images}
            spaces = {i: size[1:] if inputs.channels_first else size[:-1] for i, size in sizes.items()}
            places = Places(trace, inputs, sizes)
            table = build_table(
                trace,
                self.model,
                name,
                score.values,
                inputs.image,
                spaces,
                _shapes(trace, flat),
                places.walks,
                score.leaves,
            )
            table = attrs.evolve(
                table,
                token_support=_support(trace, score, flat),
                around=ask.around(trace, score, flat),
                refusal=ask.refusal(trace, inputs.image, inputs.channels_first, flat),
                placement=places.placement,
            )
            return GraphView(trace, score, table, inputs.image, inputs.channels_first)

        return cuts.once(trace, key, make, "views", MOST_VIEWS)


def traced(model: Any, structure: Any, flat: list[Any]) -> TracedModel:
    """Return a model traced for inputs like `flat`."""
    import tensorflow as tf

    RUN.set()
    specs, closed = open_specs(model, flat), [tf.TensorSpec([1, *x.shape[1:]], x.dtype) for x in flat]
    if is_saved(model):
        made = trace_saved(model, specs, closed)
    else:
        made = trace(model, structure, specs, closed)
        made = with_calls_inlined(made, closed if made.exact else specs)
    takes = tuple((tuple(one.shape), one.dtype) for one in (closed if made.exact else specs))
    return TracedModel(made, weakref.ref(model), takes)


def _shapes(trace: Trace, flat: list[Any]) -> list[tuple[int, ...] | None]:
    """Return each record's shape without the batch axis, None where the first axis is not the batch.

    They are read off the graph where that tells everything, and from one pass over two blank pictures
    elsewhere (open sizes, time put before the batch).
    """
    static = [record.tensors[0].shape for record in trace.records]
    if trace.exact:
        return [tuple(s[1:]) if s.rank and s[0] in (1, None) and None not in s[1:] else None for s in static]
    rows = rows_per_picture(trace.graph, list(trace.inputs))
    folded = [rows.get(id(record.tensors[0]), 1) for record in trace.records]
    if None not in folded and all(shape.rank and None not in shape[1:] for shape in static):
        return [tuple(shape[1:]) if one == 1 else None for shape, one in zip(static, folded, strict=True)]
    reachable = [record for record in trace.records if not record.inside]
    blanks = [np.zeros((2, *x.shape[1:]), x.dtype.as_numpy_dtype) for x in flat]
    import tensorflow as tf

    measured = ask.shapes(trace, reachable)(*[tf.constant(blank) for blank in blanks])
    COUNTERS.add("shapes")
    by_path = {
        record.path: tuple(int(n) for n in shape) for record, shape in zip(reachable, measured, strict=True)
    }
    every = [by_path.get(record.path, ()) for record in trace.records]
    return [shape[1:] if shape and shape[0] == 2 else None for shape in every]


def _support(
    trace: Trace, score: cuts.GraphScore, flat: list[Any]
) -> Callable[[Sequence[LayerRow]], list[float]]:
    picture = [(tuple(x.shape), x.dtype) for x in flat]

    def measure(rows: Sequence[LayerRow]) -> list[float]:
        """Return the share of patch tokens that receive a gradient, on one seeded noise picture."""
        import tensorflow as tf

        paths = {row.path for row in rows}
        records = [record for record in trace.records if record.path in paths]
        gradients = ask.support(trace, records, score)(*ask.noise(picture))
        COUNTERS.add("forward")
        COUNTERS.add("backward")
        shares = []
        for row, gradient in zip(rows, gradients, strict=True):
            layout = row.layout
            if layout is None:
                raise LayerError(f"layer {row.path!r} has no tokens")
            size = np.abs(to_grid(tf.cast(gradient, tf.float32), layout).numpy()[0]).max(-1)
            shares.append(float((size > 0).mean()))
        return shares

    def once(rows: Sequence[LayerRow]) -> list[float]:
        key = ("token-support", tuple(row.path for row in rows), tuple(shape[1:] for shape, _ in picture))
        return cuts.once(trace, key, lambda: measure(rows))

    return once
