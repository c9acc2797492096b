"""What a model says of its inputs: their names, and the channels and axes of the picture."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_engines.torch.placing import Placing
from visioncam_engines.torch.tape.shadow import unwrapped

_PICTURES = ("image", "images", "img", "imgs", "picture", "pictures", "pixel_values", "x", "input", "inputs")
_RANKS = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3}
_FEW = 4


def model_inputs(model: Any) -> ModelInputs:
    """Return what a model that was checked says of its inputs; nothing is run."""
    model = unwrapped(model)
    names, structure = _names(model)
    image = next((i for i, name in enumerate(names) if name.lower() in _PICTURES), 0)
    dtype = "float64" if Placing.of(model).dtype == torch.float64 else "float32"
    shape = _picture(model)
    found = []
    for i, name in enumerate(names):
        alike = i == image or _stem(name) == _stem(names[image])
        label = name if len(names) > 1 or structure != 0 else "0"
        found.append(ModelInput(label, shape if alike else None, dtype if alike else "", strict=False))
    return ModelInputs(tuple(found), structure, image, True)


def _names(model: Any) -> tuple[list[str], Any]:
    """Return the names of the inputs that a call needs, and how they are passed."""
    main = getattr(model, "main_input_name", None)
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return ["0"], 0
    if isinstance(main, str) and hasattr(model, "config"):  # of transformers, whose inputs are all optional
        other = [one.name for one in parameters if one.name == "pixel_values" != main]  # a picture and a text
        return [*other, main], {name: place for place, name in enumerate([*other, main])}
    taken = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [one for one in parameters if one.default is one.empty]
    needed = [one.name for one in parameters if one.kind in taken]
    named = [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]
    if named:
        return [*needed, *named], {name: place for place, name in enumerate([*needed, *named])}
    return (needed, list(range(len(needed)))) if len(needed) > 1 else (["0"], 0)


def _stem(name: str) -> str:
    """Return the name without what tells several alike apart: `x1` and `x2`, `img_a` and `img_b`."""
    bare = name.rstrip("0123456789")
    return bare.removesuffix("_a").removesuffix("_b") or name


def _picture(model: Any) -> tuple[int | None, ...] | None:
    """Return the axes of the picture, (K, *space), as the first convolution tells them; None for unknown."""
    found = [one for one in map(_convolution, model.modules()) if one is not None]
    if not found:
        size, channels = _size(model), _declared_channels(model)
        return None if size is None else (channels, *size)
    rank, channels = found[0]
    if channels > _FEW and any(other <= _FEW for _, other in found):
        channels = None  # what is registered first need not be called first
    size = _size(model) if rank == 2 else None
    return (channels, *(size or (None,) * rank))


def _convolution(module: Any) -> tuple[int, Any] | None:
    """Return rank and channels of a convolution, also of one inside a scripted part."""
    for kind, rank in _RANKS.items():
        if isinstance(module, kind):
            return rank, module.in_channels
        if getattr(module, "original_name", "") == kind.__name__:
            return rank, int(module.weight.shape[1])
    return None


def _declared_channels(model: Any) -> int | None:
    declared = getattr(getattr(model, "config", None), "num_channels", None)
    return declared if isinstance(declared, int) else None


def _size(model: Any) -> tuple[int, int] | None:
    """Return the size of pictures that a model was built for, where it says so."""
    cfg = model.__dict__.get("pretrained_cfg") or {}
    embedded = getattr(getattr(model, "patch_embed", None), "img_size", None)
    declared = getattr(getattr(model, "config", None), "image_size", None)
    given = cfg.get("input_size") if isinstance(cfg, dict) else None
    given = given[1:] if isinstance(given, list | tuple) and len(given) == 3 else None
    for size in (embedded, model.__dict__.get("image_size"), model.__dict__.get("img_size"), declared, given):
        if isinstance(size, int) and size > 0:
            return (size, size)
        if isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(n, int) for n in size):
            return (size[0], size[1])
    return None
