"""What the engine does with a PyTorch model: reading it, tracing it, calling it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from visioncam_core.engine.cache import difference, open_trace
from visioncam_core.engine.copies import Twin, TwinCopy, original
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.records import Note
from visioncam_core.errors import ModelError, VisionCamError
from visioncam_core.text import error_text
from visioncam_engines.torch.calling import answers_of, caller, key_wanted
from visioncam_engines.torch.checks import check_model, devices_of, require_torch
from visioncam_engines.torch.copies import TensorTwin, weights_of
from visioncam_engines.torch.demo.weights import load as load_demo
from visioncam_engines.torch.files.load import fill, load_model
from visioncam_engines.torch.inputs import model_inputs
from visioncam_engines.torch.libraries.hints import hints_of
from visioncam_engines.torch.libraries.names import load_named
from visioncam_engines.torch.mark import mark_of
from visioncam_engines.torch.modules import title_of
from visioncam_engines.torch.placing import Placing
from visioncam_engines.torch.recorder import ModuleRecorder
from visioncam_engines.torch.run.eager import EagerModel, record_as_it_is
from visioncam_engines.torch.run.memory import from_numpy, out_of_memory
from visioncam_engines.torch.tape.model_trace import Trace, at_rest
from visioncam_engines.torch.tape.shadow import WRITES, unwrapped
from visioncam_engines.torch.tape.tape import UntraceableError, WritesError
from visioncam_engines.torch.view import TapedModel, takes_of, tolerance_of

__all__ = [
    "called",
    "check_model",
    "configuration_of",
    "copied",
    "failure_of",
    "fill",
    "hints_of",
    "load_demo",
    "load_model",
    "load_named",
    "mark_of",
    "model_inputs",
    "original",
    "require_torch",
    "slope",
    "tensors",
    "traced",
    "weights_of",
]

EXACT, AS_IT_IS = "exact-shape-trace", "run-as-it-is"


def configuration_of(model: Any) -> str:
    """Return how a model is built, as torch prints it."""
    return repr(unwrapped(model))


def tensors(arrays: Sequence[Any]) -> list[Any]:
    """Return arrays as tensors of the host; passes take them to the model's device and dtype."""
    with torch.inference_mode(False):
        return [from_numpy(one) for one in arrays]


def called(engine: Any, model: Any, inputs: ModelInputs, flat: list[Any]) -> list[Any]:
    """Return every output of the model itself, at rest."""
    if isinstance(model, Twin):  # it has no Python of its own
        return open_trace(engine, model, inputs, flat).answers(flat)
    return answers_of(model, inputs.structure, Placing.of(model).placed(flat))


def copied(model: Any) -> TwinCopy:
    """Return a copy of a model with the same weights and card.

    Raises:
        ModelError: a model without weights.
    """
    return TwinCopy.of(TensorTwin.of(original(model)), model, ".")


def slope(function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
    """Return `function(values)` and its gradient in the values; None where it has none."""
    with at_rest(True):
        leaf = values.detach().clone().requires_grad_()
        scores = function(leaf)
        if not isinstance(scores, torch.Tensor):
            return scores, None
        gradient = None
        if scores.requires_grad:
            (gradient,) = torch.autograd.grad(scores.sum(), leaf, allow_unused=True)
    return scores.detach(), gradient


def traced(engine: Any, model: Any, inputs: ModelInputs, flat: list[Any]) -> TapedModel | EagerModel:
    """Return a model made ready for inputs like `flat`: on tape, or else to be run as it is.

    Raises:
        ModelError: it cannot be called on such inputs.
    """
    if isinstance(model, Twin):
        found: Any = open_trace(engine, model.original, inputs, flat)
        return found.with_weights(model.replaced)
    placing = Placing.of(model)
    example = placing.placed([x[:1] for x in flat])
    recorder = ModuleRecorder(model, caller(inputs.structure))
    noise = placing.placed(noise_like(flat))
    try:
        trace = Trace.of(recorder, example)
        found = TapedModel(trace, weakref.ref(model), title_of(model), placing, takes_of(flat))
        reason = _unlike(found, model, inputs.structure, noise)
    except UntraceableError as error:
        reason = str(error)
        if isinstance(error, WritesError):
            WRITES.add(unwrapped(model))
    except Exception as error:  # the tape fails; whether the model does too is tried below
        reason = f"it fails while the tape records ({error_text(error)})"
    if not reason:
        if trace.exact:
            trace.notes = ((EXACT, f"one picture at a time, because {trace.exact}"),)
        return found
    try:
        own = answers_of(model, inputs.structure, example)
    except VisionCamError:
        raise
    except Exception as error:
        raise _cannot_be_called(model, flat, error) from error
    if not own:
        raise ModelError(
            f"the model {title_of(model)!r} returns no tensor for inputs of shape "
            f"{[tuple(x.shape) for x in flat]}; wrap it in a model that does"
        )
    notes: tuple[Note, ...] = ((AS_IT_IS, f"it is called again for each step, because {reason}"),)
    trace = record_as_it_is(recorder, example)
    trace.notes = notes
    return EagerModel(trace, weakref.ref(model), title_of(model), placing, takes_of(flat), inputs.structure)


def _unlike(found: TapedModel, model: Any, structure: Any, noise: list[Any]) -> str:
    """Return how the tape answers otherwise than the model on a picture of noise, or ""."""
    own = answers_of(model, structure, noise)
    limit = tolerance_of(found.placing)
    off = difference(own, found.answers(noise))
    if off <= limit or difference(own, answers_of(model, structure, noise)) > limit:
        return ""  # a model that answers at random does not agree with itself
    return f"its tape is off by {off:.1%} on another picture"


def noise_like(flat: list[Any]) -> list[Any]:
    """Return a seeded picture of noise in the range of the inputs; whole numbers, perhaps tokens, stay."""
    rng = np.random.default_rng(0)
    found = []
    for x in flat:
        one = x[:1]
        if one.is_floating_point():
            drawn = torch.from_numpy(rng.standard_normal(tuple(one.shape))).to(one.dtype)
            one = drawn * (float(one.std(correction=0)) or 1.0) + float(one.mean())
        found.append(one)
    return found


def _cannot_be_called(model: Any, flat: list[Any], error: Exception) -> ModelError:
    shapes = [tuple(x.shape) for x in flat]
    fix = "check that the input fits the model, and that model(input) itself works"
    last = [shape for shape in shapes if len(shape) == 4 and shape[-1] in (1, 3, 4) and shape[1] > 4]
    if last:
        fix = (
            "PyTorch models take channels first; pass img.transpose(2, 0, 1) of an array (height, width, "
            "channels), or tensor.permute(2, 0, 1)"
        )
    elif "channels" in str(error) and any(len(shape) > 2 and shape[1] in (1, 3, 4) for shape in shapes):
        fix = (
            "if it takes pictures with the channels last, declare it: visioncam.set_model_card(model, "
            "visioncam.ModelCard(channels_first=False))"
        )
    elif isinstance(error, out_of_memory()):
        fix = "pass a smaller picture, or free memory on the device"
    elif key := key_wanted(original(model)):
        fix = (
            f"it takes a dictionary and reads {key!r} from it; pass a torch.nn.Module that holds it as "
            f"self.model and has def forward(self, x): return self.model({{{key!r}: x}})"
        )
    elif len(devices := devices_of(original(model))) > 1:
        fix = f"its weights are on {', '.join(devices)}; move the whole model to one device: model.to(...)"
    return ModelError(
        f"the model {title_of(original(model))!r} cannot be called on inputs of shape {shapes}: "
        f"{error_text(error)}; {fix}"
    )


def failure_of(model: Any, error: BaseException) -> ModelError | None:
    """Return the error for a user where a model failed while it ran; None for an error of somebody else's."""
    title = title_of(original(model))
    if isinstance(error, out_of_memory()):
        return ModelError(
            f"the model {title!r} failed while it ran ({error_text(error)}); pass a smaller batch_size=, or "
            "a smaller picture"
        )
    if isinstance(error, VisionCamError) or not _in_the_model(error):
        return None
    devices = devices_of(original(model))
    fix = "check that model(input) itself works on this machine"
    if len(devices) > 1:
        fix = f"its weights are on {', '.join(devices)}; move the whole model to one device: model.to(...)"
    return ModelError(f"the model {title!r} failed while it ran ({error_text(error)}); {fix}")


def _in_the_model(error: BaseException) -> bool:
    """Return whether an error was raised by a step of the model, not by a target or a method."""
    step = error.__traceback__
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name == "<cut from a tape>" or name.endswith(("torch/nn/modules/module.py", "autograd/graph.py")):
            return True
        step = step.tb_next
    return False
