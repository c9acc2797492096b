"""What the engine does with a Keras model on PyTorch: tracing it, calling it, copying it."""

from __future__ import annotations

import threading
import weakref
from typing import Any

import attrs
import torch

from visioncam_core.engine.cache import difference
from visioncam_core.engine.copies import TwinCopy, original
from visioncam_core.engine.records import Note
from visioncam_core.errors import ModelError
from visioncam_core.text import brief, error_text
from visioncam_engines.keras.checks import RUN
from visioncam_engines.keras.recording import Call, recording, walk
from visioncam_engines.keras.records import packed
from visioncam_engines.torch.copies import TensorTwin
from visioncam_engines.torch.mark import sampled as sampled_tensors
from visioncam_engines.torch.placing import Placing
from visioncam_engines.torch.tape.model_trace import Trace, at_rest, outputs_of
from visioncam_engines.torch.tape.tape import Tape, UntraceableError
from visioncam_engines.torch.view import TapedModel, TapeView, takes_of
from visioncam_engines.torch.work import EXACT, failure_of, noise_like, slope, tensors

__all__ = [
    "at_rest",
    "copied",
    "failure_of",
    "placed",
    "sampled",
    "slope",
    "tensors",
    "traced",
]


@attrs.frozen(eq=False)
class KerasRecorder:
    """Calls a Keras model, each unit's `call` shadowed; the model is put back as it was.

    Attributes:
        model: the model; a trace never holds its recorder.
        structure: how its inputs are packed.
    """

    model: Any
    structure: Any

    def run(self, inputs: list[Any], tape: Tape) -> Any:
        import keras

        own = threading.get_ident()

        def inside() -> str | None:
            return "" if threading.get_ident() == own else None

        def mine(value: Any) -> bool:
            return isinstance(value, torch.Tensor) and tape.value_of(value) is not None

        def keep(call: Call, output: Any) -> Any:
            tape.keep(call.path, type(call.unit).__name__, output, hasattr(type(call.unit), "layers"))
            return output

        with (
            recording(self.model, inside, mine, keep),
            keras.StatelessScope(collect_losses=True),
            tape,
        ):
            return self.model(packed(self.structure, inputs), training=False)


@attrs.frozen(eq=False)
class KerasTaped(TapedModel):
    """A Keras model on tape."""

    def units(self) -> dict[str, Any]:
        return {} if (alive := self.model()) is None else dict(walk(alive))

    def made(self, score: Any, table: Any, image: int, channels_first: bool) -> TapeView:
        return KerasView(self.trace, score, table, self.placing, self.model, image, channels_first)


@attrs.frozen(eq=False)
class KerasView(TapeView):
    """A Keras model on tape seen through one output; whether it trains is said at each call in Keras."""

    @property
    def notes(self) -> tuple[Note, ...]:
        return self.trace.notes


def traced(model: Any, structure: Any, flat: list[Any]) -> KerasTaped:
    """Return a model on tape for inputs like `flat`.

    Raises:
        ModelError: it cannot be called on such inputs, or its Python reads values.
    """
    RUN.set()
    placing = placing_of(model)
    example = placing.placed([x[:1] for x in flat])
    recorder = KerasRecorder(model, structure)
    try:
        trace = Trace.of(recorder, example)
        found = KerasTaped(trace, weakref.ref(model), str(model.name), placing, takes_of(flat))
        noise = placing.placed(noise_like(flat))
        with at_rest():
            off = difference(_answers(recorder, noise), found.answers(noise))
    except UntraceableError as error:
        raise ModelError(
            f"the model {model.name!r} cannot be followed by PyTorch's functions, because {error}; write "
            "such steps with keras.ops, as a branch with keras.ops.where"
        ) from error
    except Exception as error:
        raise ModelError(
            f"the model {model.name!r} cannot be called on inputs of shape {[tuple(x.shape) for x in flat]}: "
            f"{error_text(error)}; check that the input fits the model, and that model(input) itself works"
        ) from error
    if off > found.tolerance and not trace.random:
        raise ModelError(
            f"the model {model.name!r} cannot be followed by PyTorch's functions: on another picture its "
            f"tape is off by {off:.1%}; write the steps that leave PyTorch with keras.ops"
        )
    if trace.exact:
        trace.notes = ((EXACT, f"one picture at a time, because {trace.exact}"),)
    return found


def _answers(recorder: KerasRecorder, flat: list[Any]) -> list[Any]:
    tape = Tape([])
    return [leaf for _, leaf in outputs_of(recorder.run([x.clone() for x in flat], tape))]


def placing_of(model: Any) -> Placing:
    """Return where a model takes its inputs: on the device of its weights, in Keras' own dtype."""
    import keras

    for one in model.weights:
        if one.value.is_floating_point():
            return Placing(one.value.device, getattr(torch, keras.config.floatx()))
    return Placing(torch.device("cpu"), torch.float32)


def placed(model: Any, flat: list[Any]) -> list[Any]:
    return placing_of(model).placed(flat)


def sampled(variables: list[Any]) -> object:
    """Return the mark of the variables' values."""
    return sampled_tensors([one.value for one in variables])


class KerasTwin(TensorTwin):
    """A Keras model with other weights; by its class the engine is found."""


def copied(model: Any) -> TwinCopy:
    """Return a copy of a model with the same weights and card.

    Raises:
        ModelError: a model without weights.
    """
    own = original(model)
    weights = [(str(one.path), one.value) for one in own.weights]
    if not weights:
        raise ModelError(f"{brief(own, 60)} has no weights to randomise; leave that out")
    return TwinCopy.of(KerasTwin.made(own, weights), model, "/")
