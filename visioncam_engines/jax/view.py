"""A traced model, and what is seen of it through one output: the score, the layers, the passes."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import attrs

from visioncam_core.engine.batches import Budget
from visioncam_core.engine.defaults import HALF_TOLERANCE, TOLERANCE, PlainView
from visioncam_core.engine.interface import Passes
from visioncam_core.engine.layer_table import LayerChoice, Layout
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import named_output
from visioncam_engines.jax import ask
from visioncam_engines.jax.cuts import Made, outputs
from visioncam_engines.jax.functions import Functions
from visioncam_engines.jax.passes import JaxPasses
from visioncam_engines.jax.score import score_of
from visioncam_engines.jax.table import Places, build_table
from visioncam_engines.jax.tracing import Trace
from visioncam_engines.keras.checks import RUN
from visioncam_engines.keras.records import Recorded


@attrs.frozen(eq=False)
class JaxTraced:
    """A model as one graph, for inputs of certain sizes and batches of any.

    Attributes:
        trace: the graph.
        model: a weak reference to the model.
    """

    trace: Trace
    model: weakref.ref[Any]

    @property
    def tolerance(self) -> float:
        half = any(one.floating and one.dtype.itemsize < 4 for one in self.trace.graph.made_by)
        return HALF_TOLERANCE if half else TOLERANCE

    def fits(self, flat: list[Any]) -> bool:
        inputs = self.trace.graph.inputs
        return len(flat) == len(inputs) and all(
            x.dtype == one.dtype and tuple(x.shape[1:]) == one.shape[1:]
            for x, one in zip(flat, inputs, strict=True)
        )

    def answers(self, flat: list[Any]) -> list[Any]:
        every = self.trace.once("every output", lambda: [Made.of(one) for one in self.trace.graph.outputs])
        return list(outputs(self.trace, every)(self.trace.weights(), flat))

    def view(self, inputs: ModelInputs, flat: list[Any], output: str | int | None, wanted: str) -> PlainView:
        trace = self.trace
        name = named_output(trace.outputs, output)
        first = inputs.channels_first and len(trace.outputs[name].shape) == len(flat[inputs.image].shape)
        score = score_of(trace, name, wanted, flat, first)

        def make() -> PlainView:
            places = Places(trace, inputs)
            table = attrs.evolve(
                build_table(trace, self.model, score, inputs, places),
                token_support=ask.token_support(trace, score, places),
                around=ask.around(trace, score),
                refusal=ask.refusal(trace, places, inputs.image),
                placement=places.placement,
            )

            def passes(choice: LayerChoice, reshape: Callable[[Any], Any] | None, budget: Budget) -> Passes:
                if choice.row.is_input:
                    at = trace.graph.inputs[inputs.image]
                    record = Recorded("<input>", "<input>", choice.row.kind, (at,), "", "")
                else:
                    record = trace.record(choice.row.path)
                layout = choice.row.layout or Layout("custom", (), 0)
                axis = places.batch_axis(record.tensors[0]) or 0
                return JaxPasses(
                    score=score, reshape=reshape, budget=budget, channels_first=inputs.channels_first,
                    cuts=Functions(trace, score, record, layout, axis),
                )  # fmt: skip

            return PlainView(score, table, passes, inputs.image, inputs.channels_first, tuple(trace.outputs))

        found: PlainView = trace.once(("view", score.key, inputs.image), make)
        return found


def traced(model: Any, trace: Trace) -> JaxTraced:
    """Return a traced model."""
    RUN.set()
    return JaxTraced(trace, weakref.ref(model))
