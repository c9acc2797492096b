"""Preprocessing of PyTorch's libraries, read as a geometry and a scaling: torchvision, timm, transformers.

`steps_of` reads an object by its class and attributes.  What it cannot read but knows to take a picture is
called as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.records import PictureSteps, Scaling
from visioncam_core.errors import OptionError
from visioncam_core.images.geometry import RESAMPLING
from visioncam_core.images.resize_crop import ResizeCrop
from visioncam_core.text import brief, error_text

_LIBRARIES = ("torchvision", "timm", "transformers", "kornia", "albumentations")
_PIL = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
_NOTHING = ("Identity", "ToImage", "ToPureTensor", "ToPILImage", "ToRGB")
_TO_TENSOR = ("ToTensor", "MaybeToTensor", "ToNumpy", "ObjectDetection")
_RANDOM = ("Random", "ColorJitter", "AutoAugment", "RandAugment", "TrivialAugment", "AugMix", "ScaleJitter")
_READ = (
    *("do_resize", "size", "resample", "do_center_crop", "crop_size", "do_rescale", "rescale_factor"),
    *("do_normalize", "image_mean", "image_std", "do_convert_rgb", "default_to_square", "return_tensors"),
    *("data_format", "input_data_format", "device", "disable_grouping"),
    *("image_processor_type", "feature_extractor_type", "processor_class"),
)
"""What is understood of an image processor of transformers."""


def steps_of(preprocess: Any) -> PictureSteps | None:
    """Return what a library's preprocessing does to a picture; None for a plain function of a batch."""
    processor = getattr(preprocess, "image_processor", preprocess)
    homes = {cls.__module__.partition(".")[0] for cls in type(processor).__mro__}
    if homes.isdisjoint(_LIBRARIES) and not _is_chain(processor):
        return None
    name = type(processor).__name__
    drawn = [type(one).__name__ for one in _steps(processor) if type(one).__name__.startswith(_RANDOM)]
    if drawn:
        raise OptionError(
            f"preprocess={name} is random ({drawn[0]}), so no map could be reproduced; pass the "
            "evaluation transform, such as weights.transforms()"
        )
    try:
        found = _of_processor(processor) if "transformers" in homes else _of_transform(processor)
    except (TypeError, ValueError, AttributeError, KeyError, IndexError):  # another version's attributes
        found = None
    if found is None:
        called = _call_processor if "transformers" in homes else _call_transform
        return PictureSteps(f"as requested: {name}, called as it is", whole=called(processor, name))
    geometry, scaling = found
    return PictureSteps(f"as requested: {name}, read as {_told(geometry)}", scaling, geometry)


def resampling(value: Any) -> str | None:
    """Return the name of a filter, given as torchvision's, Pillow's or timm's; None where there is none."""
    name = getattr(value, "value", value)
    name = _PIL.get(name, "") if isinstance(name, int) else str(name).lower()
    return name if name in RESAMPLING else None


@attrs.define
class _Reading:
    """What the steps so far do; `failed` once a step is not understood."""

    resize: Any = None
    crop: Any = None
    resample: str = "bilinear"
    factor: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    tensor: bool = False
    sized: bool = False
    failed: bool = False

    def geometry(self) -> ResizeCrop | None:
        return ResizeCrop(self.resize, self.crop, self.resample) if self.sized else None


def _of_transform(transform: Any) -> tuple[ResizeCrop | None, Scaling] | None:
    """Return the geometry and the scaling of torchvision's transform, a preset or a chain of them."""
    if hasattr(transform, "resize_size") and hasattr(transform, "mean"):  # a preset of torchvision's weights
        if len(tuple(transform.mean)) != 3 or not getattr(transform, "antialias", True):
            return None
        resample = resampling(transform.interpolation)
        crop = getattr(transform, "crop_size", None)
        if resample is None:
            return None
        geometry = ResizeCrop(_side(transform.resize_size), None if crop is None else _both(crop), resample)
        return geometry, Scaling(_floats(transform.mean), _floats(transform.std))
    reading = _Reading()
    for step in _steps(transform):
        _read(step, reading)
        if reading.failed:
            return None
    if not reading.tensor:
        return None
    return reading.geometry(), Scaling(reading.mean, reading.std, reading.factor)


def _read(step: Any, so_far: _Reading) -> None:
    """Add one step of a chain to what the steps before it do."""
    name = type(step).__name__
    if name == "Resize" and not so_far.sized and getattr(step, "max_size", None) is None:
        resample = resampling(step.interpolation)
        so_far.failed = resample is None or getattr(step, "antialias", True) is False
        so_far.resize, so_far.resample, so_far.sized = _side(step.size), resample or "", True
    elif name == "CenterCrop" and so_far.crop is None:
        so_far.crop, so_far.sized = _both(step.size), True
        so_far.failed = so_far.std != (1.0,)  # what it adds at the sides would be scaled otherwise
    elif name in _TO_TENSOR and not so_far.tensor:
        so_far.tensor, so_far.factor = True, 1.0 if name == "ToNumpy" else 1 / 255
    elif name == "PILToTensor":
        so_far.tensor = True
    elif name in ("ConvertImageDtype", "ToDtype") and "float" in str(getattr(step, "dtype", "")):
        scales = name == "ConvertImageDtype" or bool(getattr(step, "scale", False))
        so_far.tensor, so_far.factor = True, 1 / 255 if scales else so_far.factor
    elif name == "Normalize" and so_far.mean == (0.0,) and so_far.std == (1.0,):
        so_far.mean, so_far.std = _floats(step.mean), _floats(step.std)
        so_far.failed = not so_far.tensor
    elif name not in _NOTHING:
        so_far.failed = True


def _of_processor(processor: Any) -> tuple[ResizeCrop | None, Scaling] | None:
    """Return the geometry and the scaling of an image processor of transformers."""
    told = {key: value for key, value in processor.to_dict().items() if value is not None}
    convnext = type(processor).__name__.startswith("ConvNext") and "crop_pct" in told
    if any(told[key] and key not in _READ and not (convnext and key == "crop_pct") for key in told):
        return None
    factor = float(told.get("rescale_factor", 1 / 255)) if told.get("do_rescale", True) else 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    if told.get("do_normalize", False):
        mean, std = _floats(told["image_mean"]), _floats(told["image_std"])
    geometry = None
    if told.get("do_resize", False):
        size = told["size"]
        resample = resampling(told.get("resample", 2))
        edge = size.get("shortest_edge")
        if resample is None or "longest_edge" in size or (edge is None and "height" not in size):
            return None
        resize: Any = edge if edge is not None else (int(size["height"]), int(size["width"]))
        crop = _extent(told["crop_size"]) if told.get("do_center_crop") else None
        if edge is not None and convnext:  # the edge is that of the part
            resize = (edge, edge) if edge >= 384 else int(edge / told["crop_pct"])
            crop = None if edge >= 384 else (edge, edge)
        geometry = ResizeCrop(resize, crop, resample)
    elif told.get("do_center_crop"):
        geometry = ResizeCrop(None, _extent(told["crop_size"]))
    return geometry, Scaling(mean, std, factor)


def _steps(transform: Any) -> Iterable[Any]:
    """Yield the single steps of a transform, those of chains within chains in their order."""
    if _is_chain(transform):
        for step in getattr(transform, "transforms", None) or list(transform):
            yield from _steps(step)
    else:
        yield transform


def _is_chain(transform: Any) -> bool:
    """Return whether it is a Compose or a Sequential, made of a library's transforms."""
    steps = getattr(transform, "transforms", None)
    if type(transform).__name__ == "Sequential" and hasattr(transform, "_modules"):
        steps = list(transform._modules.values())
    return isinstance(steps, list | tuple) and any(
        type(step).__module__.partition(".")[0] in _LIBRARIES or _is_chain(step) for step in steps
    )


def _call_transform(transform: Callable[[Any], Any], name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of a picture that calls a transform with it as a Pillow image."""

    def call(pixels: np.ndarray) -> np.ndarray:
        from PIL import Image

        return _values(lambda: transform(Image.fromarray(pixels)), name)

    return call


def _call_processor(processor: Callable[..., Any], name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function of a picture that calls an image processor of transformers."""

    def call(pixels: np.ndarray) -> np.ndarray:
        from PIL import Image

        return _values(
            lambda: processor(images=Image.fromarray(pixels), return_tensors="np")["pixel_values"][0], name
        )

    return call


def _values(make: Callable[[], Any], name: str) -> np.ndarray:
    """Return (h, w, C) float32 values from what makes a (C, h, w) tensor of a picture."""
    try:
        made = make()
    except Exception as error:  # somebody's code
        raise OptionError(f"preprocess={name} failed on a picture ({error_text(error)})") from error
    made = made.get("image", made) if isinstance(made, Mapping) else made
    values = made.detach().cpu().numpy() if hasattr(made, "detach") else np.asarray(made)
    values = values[0] if values.ndim == 4 and len(values) == 1 else values
    picture = hasattr(made, "getexif")
    if picture or values.ndim != 3 or values.shape[0] not in (1, 3, 4) or values.dtype.kind not in "fiu":
        raise OptionError(
            f"preprocess={name} must make a tensor (channels, height, width) of a picture; it made "
            f"{brief(type(made).__name__)} of shape {values.shape}, {values.dtype}; let it end in ToTensor()"
        )
    return np.moveaxis(values, 0, -1).astype(np.float32)


def _told(geometry: ResizeCrop | None) -> str:
    if geometry is None:
        return "a scaling of the pixels"
    part = "" if geometry.crop is None else f", the middle {geometry.crop[0]} x {geometry.crop[1]}"
    return f"resize {geometry.resize}{part} and a scaling"


def _side(size: Any) -> int | tuple[int, int]:
    """Return what torchvision's Resize takes: the shorter side, or both."""
    if isinstance(size, int):
        return size
    return int(size[0]) if len(size) == 1 else (int(size[0]), int(size[1]))


def _both(size: Any) -> tuple[int, int]:
    side = _side(size)
    return (side, side) if isinstance(side, int) else side


def _extent(size: Any) -> tuple[int, int]:
    return (int(size["height"]), int(size["width"])) if isinstance(size, Mapping) else _both(size)


def _floats(values: Any) -> tuple[float, ...]:
    found = tuple(float(one) for one in (values if hasattr(values, "__len__") else [values]))
    if not found or not all(math.isfinite(one) for one in found):
        raise ValueError(f"{values!r} are not numbers")
    return found
