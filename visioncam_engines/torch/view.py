"""A traced model, and what is seen of it through one output: the score, the layers, the passes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import torch

from visioncam_core.engine.batches import Budget
from visioncam_core.engine.defaults import HALF_TOLERANCE, TOLERANCE
from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable, Layout
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.output import named_output
from visioncam_core.engine.records import Note
from visioncam_engines.torch.modules import in_training, modules_of
from visioncam_engines.torch.noise import Noise
from visioncam_engines.torch.placing import Placing
from visioncam_engines.torch.run.passes import TapePasses
from visioncam_engines.torch.score import TapeScore
from visioncam_engines.torch.scores.logits import score_of
from visioncam_engines.torch.table import build_table, classes_first
from visioncam_engines.torch.tape.model_trace import Trace, at_rest
from visioncam_engines.torch.tape.records import Record

TRAINING = "training-mode"


@attrs.frozen(eq=False)
class TapeView:
    """A traced model seen through one output and one kind of score.

    Attributes:
        trace, score, table: the traced model, the score, the layers.
        placing: device and dtype of the inputs.
        model: a weak reference to the model.
        image: position of the image input.
        channels_first: whether the image input is (K, *space).
    """

    trace: Trace
    score: TapeScore
    table: LayerTable
    placing: Placing
    model: weakref.ref[Any]
    image: int
    channels_first: bool

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.trace.outputs)

    @property
    def notes(self) -> tuple[Note, ...]:
        model = self.model()
        if model is None or not in_training(model):
            return self.trace.notes
        what = "model.train() is on; the map is of the model in evaluation mode, as after model.eval()"
        return (*self.trace.notes, (TRAINING, what))

    @property
    def exact(self) -> bool:
        return bool(self.trace.exact)

    def record(self, row: LayerRow) -> Record:
        if row.is_input:
            return Record("<input>", "<input>", row.kind, "", self.trace.inputs[self.image])
        return self.trace.record(row.path)

    def passes(self, choice: LayerChoice, reshape: Callable[[Any], Any] | None, budget: Budget) -> TapePasses:
        layout = choice.row.layout or Layout("custom", (), 0)
        record = self.record(choice.row)
        return TapePasses(
            self.trace, self.score, record, layout, self.placing, reshape, budget, self.channels_first
        )


@attrs.frozen(eq=False)
class TapedModel:
    """A model on tape, for inputs of certain sizes; see `engine.interface.Traced`.

    Attributes:
        trace: the tape.
        model: a weak reference to the model.
        title: the model's name.
        placing: device and dtype of the inputs.
        takes: axes without the batch and dtype of each input.
    """

    trace: Trace
    model: weakref.ref[Any]
    title: str
    placing: Placing
    takes: tuple[tuple[tuple[int, ...], Any], ...]

    @property
    def tolerance(self) -> float:
        return tolerance_of(self.placing)

    def fits(self, flat: list[Any]) -> bool:
        return takes_of(flat) == self.takes

    def answers(self, flat: list[Any]) -> list[Any]:
        run = self.trace.cut(self.trace.inputs, list(self.trace.outputs.values()))
        parts = [flat]
        if self.trace.exact:
            parts = [[x[i : i + 1] for x in flat] for i in range(len(flat[0]))]
        with at_rest():
            found = [run(len(part[0]), *self.placing.placed(part)) for part in parts]
        return found[0] if len(found) == 1 else [torch.cat(column) for column in zip(*found, strict=True)]

    def with_weights(self, replaced: Mapping[int, Any]) -> TapedModel:
        """Return the same with other weights, by the numbers of the model's own."""
        return attrs.evolve(self, trace=self.trace.with_weights(replaced))

    def view(self, inputs: ModelInputs, flat: list[Any], output: str | int | None, wanted: str) -> TapeView:
        trace = self.trace
        name = named_output(trace.outputs, output)
        first = classes_first(trace, inputs, trace.outputs[name])
        noise = trace.once("asked", lambda: self.asked(flat))
        score = trace.once(
            ("score", name, wanted, first), lambda: self.reached(score_of(noise, name, wanted, first))
        )

        def make() -> TapeView:
            table = build_table(noise, score, inputs, self.title, self.units)
            return self.made(score, table, inputs.image, inputs.channels_first)

        return trace.once(("view", score.key, inputs.image, inputs.channels_first), make)

    def units(self) -> dict[str, Any]:
        """Return path -> module, while the model lives, for queries by module."""
        return {} if (alive := self.model()) is None else modules_of(alive)

    def asked(self, flat: list[Any]) -> Noise:
        """Return runs of the model on pictures of noise."""
        return Noise.like(self.trace, self.placing, flat)

    def reached(self, score: TapeScore) -> TapeScore:
        """Return a score as it can be read."""
        return score

    def made(self, score: TapeScore, table: LayerTable, image: int, channels_first: bool) -> TapeView:
        """Return the view of a score."""
        return TapeView(self.trace, score, table, self.placing, self.model, image, channels_first)


def takes_of(flat: list[Any]) -> tuple[tuple[tuple[int, ...], Any], ...]:
    return tuple((tuple(x.shape[1:]), x.dtype) for x in flat)


def tolerance_of(placing: Placing) -> float:
    return HALF_TOLERANCE if placing.dtype.itemsize < 4 else TOLERANCE
