"""What a PyTorch model says of itself and its pictures: timm's and transformers' configurations.

A module of torchvision or one's own says nothing of how its pictures are preprocessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from visioncam_core.engine.records import Hints, Scaling
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_engines.demo.card import BODY, RECOGNISED, SCALING, fitted, names_of
from visioncam_engines.torch.libraries.transforms import resampling

_WRAPPERS = ("torch", "peft", "accelerate")
_INSIDE = ("module", "_orig_mod", "base_model", "model")
"""What DataParallel, torch.compile and PEFT call the model that they wrap."""
_UNKNOWN = "a module of PyTorch does not say how its pictures are preprocessed"
_CURE = {
    "torchvision": "torchvision's networks do not say how their pictures are preprocessed; "
    "pass preprocess=weights.transforms()",
    "transformers": "the model of transformers does not say how its pictures are preprocessed; "
    "pass its image processor as preprocess=",
}


def hints_of(model: Any) -> Hints:
    """Return what a module says of itself; nothing is run."""
    library = type(model).__module__.partition(".")[0]
    title, kind, names = type(model).__name__, "torch.nn.Module", None
    why, scaling, geometry = _UNKNOWN, None, None
    for inside in _unwrapped(model):
        home = type(inside).__module__.partition(".")[0]
        timm, config = timm_config(inside), getattr(inside, "config", None)
        if timm is not None:
            title, kind = str(timm.get("architecture") or title), "timm"
            names = _names(timm.get("label_names"))
            scaling, geometry, why = _of_timm(inside, timm)
            break
        if hasattr(config, "id2label") or home == "transformers":
            title, kind = str(getattr(config, "name_or_path", "") or type(inside).__name__), "transformers"
            names, why = _labels(config), _CURE["transformers"]
            break
        if home == "torchvision":
            title, kind, why = type(inside).__name__, "torchvision", _CURE["torchvision"]
            break
    bias = dict(model.named_parameters()).get("_fc.bias")
    if bias is not None and _body(model) == BODY:
        names, geometry = names_of(bias.detach().float().cpu().numpy()), fitted
        scaling, why = SCALING, RECOGNISED
    if kind == "torch.nn.Module" and library not in ("torch", "__main__"):
        kind = f"torch.nn.Module of {library}"
    return Hints(title, kind, _weights(model), scaling or "", why, geometry, names)


def _body(model: Any) -> int:
    """Return how many numbers a network holds that ends in `_fc`, without that."""
    left = [one for name, one in model.state_dict().items() if not name.startswith("_fc.")]
    return sum(one.numel() for one in left if one.is_floating_point())


def _unwrapped(model: Any) -> Iterator[Any]:
    """Yield a model and what a wrapper of a library holds; one's own may change the picture first."""
    seen: list[int] = []
    while model is not None and id(model) not in seen:
        yield model
        seen.append(id(model))
        parts = getattr(model, "_modules", None) or {}
        inner = [parts[name] for name in _INSIDE if parts.get(name) is not None]
        library = type(model).__module__.partition(".")[0]
        model = inner[0] if len(inner) == len(parts) == 1 and library in _WRAPPERS else None


def timm_config(model: Any) -> Mapping[str, Any] | None:
    """Return a model's configuration of timm; None where an attribute of that name is something else."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    config = config if isinstance(config, Mapping) else getattr(config, "__dict__", None)
    return config if isinstance(config, Mapping) and "input_size" in config and "mean" in config else None


def _of_timm(model: Any, config: Mapping[str, Any]) -> tuple[Scaling | None, object, str]:
    """Return scaling and geometry, and where they come from; without, why they are not known."""
    mean, std = tuple(config["mean"]), tuple(config.get("std") or (1.0,))
    channels = _channels(model)
    if len(mean) > 1 and channels not in (None, len(mean)):
        return None, None, (
            f"timm's pretrained_cfg is for {len(mean)} channels and the model takes {channels}; "
            "pass preprocess="
        )  # fmt: skip
    crop, mode = float(config.get("crop_pct") or 0.875), config.get("crop_mode") or "center"
    resample = resampling(config.get("interpolation") or "bilinear") or "bicubic"
    why = f"timm's pretrained_cfg of {config.get('architecture') or type(model).__name__}"
    geometry: object = None
    size = _timm_size(model, config)
    if size is not None:
        scaled = (int(size[0] / crop), int(size[1] / crop))
        square = mode == "center" and scaled[0] == scaled[1]
        geometry = ResizeCrop(scaled[0] if square else scaled, size, resample)
        if mode == "border":
            why += ", whose crop_mode 'border' is taken as 'squash'"
    return Scaling(mean, std), geometry, why


def _timm_size(model: Any, config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the (h, w) of pictures: that which the model was built for stands before its configuration's."""
    own = getattr(getattr(model, "patch_embed", None), "img_size", None)
    return _pair(own) or _pair(tuple(config["input_size"])[-2:])


def _channels(model: Any) -> int | None:
    first = next((one for one in model.parameters() if one.ndim == 4), None)
    return None if first is None else int(first.shape[1])


def _labels(config: Any) -> tuple[str, ...] | None:
    """Return transformers' class names; those that only number the classes are none."""
    labels = getattr(config, "id2label", None)
    if not isinstance(labels, Mapping) or sorted(labels) != list(range(len(labels))):
        return None
    return _names([labels[index] for index in range(len(labels))])


def _names(labels: Any) -> tuple[str, ...] | None:
    if not isinstance(labels, list | tuple) or not labels or not all(isinstance(one, str) for one in labels):
        return None
    return None if all(one == f"LABEL_{i}" for i, one in enumerate(labels)) else tuple(labels)


def _pair(size: Any) -> tuple[int, int] | None:
    if isinstance(size, int) and not isinstance(size, bool):
        return size, size
    if isinstance(size, list | tuple) and len(size) == 2 and all(isinstance(n, int) for n in size):
        return size[0], size[1]
    return None


def _weights(model: Any) -> int:
    """Return how many numbers a module's parameters and buffers hold; those without a shape yet hold none."""
    held = [*model.parameters(), *model.buffers()]
    return sum(one.numel() for one in held if not type(one).__name__.startswith("Uninitialized"))
