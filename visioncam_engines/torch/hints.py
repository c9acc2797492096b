"""What a PyTorch model says of itself and its pictures: timm's and transformers' configurations.

A module of torchvision or one's own says nothing of how its pictures are made ready.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from visioncam_core.engine.records import Hints, Scaling
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_engines.torch.transforms import resampling

_INSIDE = ("module", "_orig_mod", "base_model", "model", "net", "backbone")
"""What wrappers call the model that they wrap: DataParallel, torch.compile, PEFT, Lightning."""
_UNKNOWN = "a module of PyTorch does not say how its pictures are made ready"
_CURE = {
    "torchvision": "torchvision's networks do not say how their pictures are made ready; "
    "pass preprocess=weights.transforms()",
    "transformers": "the model of transformers does not say how its pictures are made ready; "
    "pass its image processor as preprocess=",
}


def hints_of(model: Any) -> Hints:
    """Return what a module says of itself; nothing is run."""
    library = type(model).__module__.partition(".")[0]
    title, kind, size, names = type(model).__name__, "torch.nn.Module", None, None
    why, scaling, geometry = _UNKNOWN, None, None
    for inside in _unwrapped(model):
        home = type(inside).__module__.partition(".")[0]
        config = timm_config(inside)
        if config is not None:
            title, kind = str(config.get("architecture") or title), "timm"
            size, names = _timm_size(inside, config), _names(config.get("label_names"))
            scaling, geometry, why = _of_timm(inside, config, size)
            break
        found = getattr(inside, "config", None)
        if hasattr(found, "id2label") or home == "transformers":
            title, kind = str(getattr(found, "name_or_path", "") or type(inside).__name__), "transformers"
            size, names, why = (
                _pair(getattr(found, "image_size", None)),
                _labels(found),
                _CURE["transformers"],
            )
            break
        if home == "torchvision":
            title, kind = type(inside).__name__, "torchvision"
            size, why = _pair(getattr(inside, "image_size", None)), _CURE["torchvision"]
            break
    if kind == "torch.nn.Module" and library not in ("torch", "__main__"):
        kind = f"torch.nn.Module of {library}"
    return Hints(title, kind, _weights(model), scaling or "", why, geometry, names, size)


def _unwrapped(model: Any) -> Iterator[Any]:
    """Yield a model and what it wraps, where it wraps one and calls it by a usual name."""
    seen: list[int] = []
    while model is not None and id(model) not in seen:
        yield model
        seen.append(id(model))
        parts = getattr(model, "_modules", None) or {}
        inner = [parts[name] for name in _INSIDE if parts.get(name) is not None]
        model = inner[0] if inner and len(parts) == 1 else None


def timm_config(model: Any) -> Mapping[str, Any] | None:
    """Return a model's configuration of timm; None where an attribute of that name is something else."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None)
    config = config if isinstance(config, Mapping) else getattr(config, "__dict__", None)
    return config if isinstance(config, Mapping) and "input_size" in config and "mean" in config else None


def _of_timm(
    model: Any, config: Mapping[str, Any], size: tuple[int, int] | None
) -> tuple[Scaling | None, object, str]:
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
