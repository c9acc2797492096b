"""The modules of a model, and what it is inside its wrappers."""

from __future__ import annotations

from typing import Any

import torch

from visioncam_engines.torch.tape.shadow import shadow, unwrapped


def modules_of(model: Any) -> dict[str, Any]:
    """Return path -> module, also of those that lie in plain lists; paths as the layer table has them."""
    copy = shadow(model)
    return {path.replace(".", "/"): module for path, module in copy.modules if path}


def inner(model: Any) -> Any:
    """Return the model inside the wrappers of torch.compile, of several devices, and of adapters."""
    return unwrapped(model)


def title_of(model: Any) -> str:
    """Return a model's name for people: timm's architecture, or the class."""
    one = unwrapped(model)
    cfg = one.__dict__.get("pretrained_cfg") or one.__dict__.get("default_cfg")
    named = cfg.get("architecture") if isinstance(cfg, dict) else getattr(cfg, "architecture", None)
    return str(named or getattr(one, "original_name", type(one).__name__))


def scripted(model: Any) -> bool:
    return isinstance(model, torch.jit.ScriptModule)
