"""A scripted module inside a model: one step on the tape."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch.overrides import handle_torch_function, has_torch_function

from visioncam_engines.torch.tape.records import leaves


class Opaque(torch.nn.Module):  # type: ignore[misc]
    """Stands for a scripted module, whose inside is not seen."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        if inner.training:  # its own flag cannot be set without touching it
            inner = copy.deepcopy(inner).eval()
        self.__dict__["inner"] = inner

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the scripted module as one torch function."""
        tensors = tuple(one for one in leaves((args, kwargs)) if isinstance(one, torch.Tensor))
        inner = self.__dict__["inner"]
        if not has_torch_function(tensors):
            return inner(*args, **kwargs)
        return handle_torch_function(call_scripted, tensors, inner, *args, **kwargs)


def call_scripted(inner: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a scripted module."""
    return inner(*args, **kwargs)
