"""The modules of a model, and what it is inside its wrappers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from visioncam_engines.torch.tape.shadow import shadow, unwrapped


def modules_of(model: Any) -> dict[str, Any]:
    """Return path -> module, also of those that lie in plain lists; paths as the layer table has them."""
    copy = shadow(model)
    return {path.replace(".", "/"): module for path, module in copy.modules if path}


def in_training(model: Any) -> bool:
    """Return whether a model, or the one that a copy of ours is of, or a layer of it, is in training mode."""
    whole = unwrapped(getattr(model, "original", model))
    return any(one.training and (one is whole or not one._modules) for one in every_module(whole))


def every_module(model: Any) -> Iterator[Any]:
    """Yield the modules of a model, quickly: one that is held twice comes twice, a scripted part as one."""
    waiting = [model]
    for one in waiting:  # it grows on the way
        yield one
        if one._modules and not isinstance(one, torch.jit.ScriptModule):
            waiting += [below for below in one._modules.values() if below is not None]


def title_of(model: Any) -> str:
    """Return a model's name for people: timm's architecture, or the class."""
    one = unwrapped(model)
    cfg = one.__dict__.get("pretrained_cfg") or one.__dict__.get("default_cfg")
    named = cfg.get("architecture") if isinstance(cfg, dict) else getattr(cfg, "architecture", None)
    return str(named or getattr(one, "original_name", type(one).__name__))
