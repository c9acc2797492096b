"""Whether torch can run here, and whether a model is ready to be run."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import torch

from visioncam_core.errors import BackendError, ModelError
from visioncam_core.text import brief, listing
from visioncam_engines.torch.modules import every_module, title_of
from visioncam_engines.torch.tape.shadow import unwrapped

OLDEST = (2, 4)
_COMMON = (torch.Tensor, torch.nn.Parameter)


def require_torch(version: str = torch.__version__) -> None:
    """Raise `BackendError` where torch is older than this engine needs."""
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if found < OLDEST:
        raise BackendError(
            f"PyTorch {version} is older than {'.'.join(map(str, OLDEST))}, which VisionCam needs; "
            "install a newer one: pip install --upgrade torch torchvision"
        )


def check_model(model: Any) -> None:
    """Raise `ModelError` unless a model is ready to be run."""
    if isinstance(model, type):
        raise ModelError(f"received the class {model.__name__}; pass a model made of it: {model.__name__}()")
    if not isinstance(model, torch.nn.Module):
        raise ModelError(
            f"expected a PyTorch model, received {brief(model, 60)} of type {type(model).__name__}; pass the "
            "torch.nn.Module itself"
        )
    model = unwrapped(model)
    title = title_of(model)
    if isinstance(model, torch.jit.ScriptModule):
        raise ModelError(
            f"the model {title!r} is TorchScript, whose layers cannot be seen; pass the torch.nn.Module "
            "that was scripted or traced"
        )
    if getattr(type(model), "forward", None) is torch.nn.Module.forward and "forward" not in vars(model):
        parts = [name for name, _ in model.named_children()]
        raise ModelError(
            f"the model {title!r} ({type(model).__name__}) has no forward method, so it computes nothing; "
            f"pass the model that does, such as one of its parts {listing(parts)}"
        )
    if type(model).__module__.startswith("torch.nn.modules") and not any(model.children()):
        raise ModelError(
            f"expected a model, received the single layer {type(model).__name__}; pass the model, and the "
            "layer as layer="
        )
    graph = getattr(model, "graph", None)
    called = {node.target for node in getattr(graph, "nodes", ()) if getattr(node, "op", "") == "call_module"}
    if isinstance(model, torch.fx.GraphModule) and called <= {"_guards_fn"}:
        raise ModelError(
            f"the model {title!r} is a graph of functions without layers; pass the "
            "torch.nn.Module that was exported, or torch.export.unflatten(program)"
        )
    for module in every_module(model):
        kind: Any = type(module)
        if _quantized(kind):
            raise ModelError(
                f"the layer {kind.__name__} of the model {title!r} is quantized, so no gradient "
                "flows through it; explain the model before quantization, whose maps hardly differ"
            )
        for held in (module._parameters, module._buffers):
            for tensor in held.values() if held else ():
                if tensor is not None and (tensor.is_meta or type(tensor) not in _COMMON):
                    _check_weights(tensor, kind.__name__, title)


@lru_cache(maxsize=1024)
def _quantized(kind: type) -> bool:
    return kind.__module__.startswith("torch.") and ".quantized" in kind.__module__


def _check_weights(tensor: Any, layer: str, title: str) -> None:
    if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
        raise ModelError(
            f"the layer {layer} of the model {title!r} has no weights yet, because it is lazy and was never "
            "run; call the model once on an input before explaining it"
        )
    if tensor.is_meta:
        raise ModelError(
            f"the weights of the layer {layer} of the model {title!r} are on the meta device, without "
            "values; create the model on a real device, or model.to_empty(device='cpu') and load its weights"
        )


def devices_of(model: Any) -> list[str]:
    """Return the devices that a model's weights lie on."""
    every = (*model.parameters(), *model.buffers())
    return sorted({str(one.device) for one in every})
