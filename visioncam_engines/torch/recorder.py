"""How a PyTorch model is called under a tape: a shadow of it, with a hook at each module."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import attrs
import torch

from visioncam_engines.torch.tape.opaque import Opaque
from visioncam_engines.torch.tape.shadow import shadow
from visioncam_engines.torch.tape.tape import Tape, UntraceableError


@attrs.frozen(eq=False)
class ModuleRecorder:
    """Calls a shadow of the model.

    Attributes:
        model: the model; a trace never holds its recorder.
        call: (model, flat inputs) -> answer: how the model takes its inputs.
    """

    model: Any
    call: Callable[[Any, list[Any]], Any]

    def run(self, inputs: list[Any], tape: Tape) -> Any:
        twin = shadow(self.model)
        if isinstance(twin.module, Opaque):
            raise UntraceableError("a scripted module has no Python inside")
        tape.stands_for(twin.tensors, twin.originals)
        for path, module in twin.paths:
            if path:
                module.register_forward_hook(_hook(tape, path))
        with uncompiled(), tape:
            return self.call(twin.module, inputs)


def uncompiled() -> contextlib.AbstractContextManager[Any]:
    """Return a block in which functions that torch.compile has compiled run as they were written."""
    stance = getattr(torch.compiler, "set_stance", None)  # torch 2.6
    if stance is None or "torch._dynamo" not in sys.modules:
        return contextlib.nullcontext()
    return stance("force_eager")


def _hook(tape: Tape, path: str) -> Callable[..., None]:
    def keep(module: Any, args: Any, output: Any) -> None:
        inner = module.__dict__.get("inner", module)
        kind = getattr(inner, "original_name", type(inner).__name__)
        tape.keep(path, kind, output, isinstance(module, torch.nn.Sequential))

    return keep
