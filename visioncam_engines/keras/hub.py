"""KerasHub: how a classifier's own preprocessor makes pictures ready, read; and backbones, which lack a head.

Nothing of KerasHub is imported: its objects are known by their classes' names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.records import PictureSteps, Scaling
from visioncam_core.images.geometry import Geometry
from visioncam_engines.keras.first_layers import is_a, weights_of

_READ = ("ImageClassifierPreprocessor", "ImageSegmenterPreprocessor", "ImageConverter")
"""Whose `call` is understood."""
_KERNELS: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, lambda x: 1 - x),
    "bicubic": (2, lambda x: np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, ((2.5 - 0.5 * x) * x - 4) * x + 2)),
    "lanczos3": (3, lambda x: np.sinc(x) * np.sinc(x / 3)),
    "lanczos5": (5, lambda x: np.sinc(x) * np.sinc(x / 5)),
}
"""Filter -> how far it reaches, and its values at a distance (Keras' own; Keys, 1981, with a = -0.5)."""


def is_hub(value: Any, *names: str) -> bool:
    """Return whether an object is of KerasHub, and of one of the classes named."""
    homes = {cls.__module__.partition(".")[0] for cls in type(value).__mro__}
    return "keras_hub" in homes and is_a(value, *names)


def preprocessor_of(model: Any) -> tuple[PictureSteps | None, str]:
    """Return what a classifier of KerasHub does to its pictures, or None and why that is not known.

    The second is "" where the model neither is nor begins with anything of KerasHub.
    """
    layers = [one for one in getattr(model, "layers", ()) if not is_a(one, "InputLayer")]
    for unit in (model, *layers[:1]):
        name = type(unit).__name__
        if is_hub(unit, "Backbone"):
            return (
                None,
                f"{name} is a backbone; the preprocessor of its classifier can be passed as preprocess=",
            )
        if is_hub(unit, "Task"):
            given, steps = unit.preprocessor, steps_of(unit.preprocessor)
            why = "is None" if given is None else f"({type(given).__name__}) can be called, but not analysed"
            return steps, "" if steps else f"the preprocessor of {name} {why}"
    return None, ""


def steps_of(preprocess: Any) -> PictureSteps | None:
    """Return what a preprocessor or an image converter of KerasHub does; None for anything else."""
    converter = getattr(preprocess, "image_converter", preprocess)
    if not all(is_hub(one, *_READ) and _own_call(one) in _READ for one in (preprocess, converter)):
        return None
    scale = np.asarray(1.0 if converter.scale is None else converter.scale, float).reshape(-1)
    offset = np.asarray(0.0 if converter.offset is None else converter.offset, float).reshape(-1)
    if not scale.all() or (converter.image_size and converter.interpolation not in (*_KERNELS, "nearest")):
        return None
    std = 1 / (255 * scale)  # of values 0 to 1, as others write it
    mean = -offset * std + 0.0
    fitted = (
        "crop" if converter.crop_to_aspect_ratio else "pad" if converter.pad_to_aspect_ratio else "resize"
    )
    size = converter.image_size
    geometry = None
    if size:
        geometry = HubFit((int(size[0]), int(size[1])), fitted, converter.interpolation, converter.antialias)
    why = f"{type(preprocess).__name__} of KerasHub"
    return PictureSteps(why, Scaling(tuple(map(float, mean)), tuple(map(float, std))), geometry)


def features_of(model: Any) -> str:
    """Return what to do where a model is a backbone of KerasHub with nothing learnt behind it; else ""."""
    for unit in (model, *getattr(model, "layers", ())):
        if is_hub(unit, "Backbone") and weights_of(unit) == weights_of(model):
            return (
                f"the output of {type(unit).__name__} is features, not classes: it is a backbone without a "
                "head; explain its classifier, keras_hub.models.ImageClassifier(backbone, num_classes, "
                "preprocessor), or pass target=targets.Similarity(the output for another picture), or a "
                "function of the output"
            )
    return ""


def _own_call(value: Any) -> str:
    """Return the name of the class that `call` of an object comes from."""
    return next(cls.__name__ for cls in type(value).__mro__ if "call" in vars(cls))


@attrs.frozen
class HubFit:
    """A picture resized as Keras' `Resizing` does it.

    Attributes:
        size: (h, w) of the input.
        fitted: "crop" (the largest middle part of the input's proportions), "pad" (the whole picture between
            black bars) or "resize" (the whole picture, squeezed).
        filter: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether a smaller picture is averaged over what it leaves out.
    """

    size: tuple[int, int]
    fitted: str = "crop"
    filter: str = "bilinear"
    antialias: bool = False

    def __call__(self, shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
        """Return the geometry for a picture of `shape`; the input's own `size` is not asked."""
        (H, W), (h, w) = shape, self.size
        fit = (int(W * h / w), int(H * w / h))  # the side that the other one's length asks for
        view, area, bars = (0, 0, H, W), (0, 0, h, w), (0, 0)
        if self.fitted == "crop":
            high, wide = (max(1, min(n, other)) for n, other in zip(shape, fit, strict=True))
            top, left = (H - high) // 2, (W - wide) // 2
            view = (top, left, top + high, left + wide)
        elif self.fitted == "pad":
            bars = (max(0, fit[0] - H) // 2, max(0, fit[1] - W) // 2)
            ends = [(bar / (n + 2 * bar) * side) for bar, n, side in zip(bars, shape, self.size, strict=True)]
            top, left = (round(end) for end in ends)
            area = (top, left, h - top, w - left)
        name = {"crop": "center_crop", "pad": "letterbox", "resize": "resize"}[self.fitted]
        return _Fitted(name, shape, self.size, view, area, fill=0, how=self, bars=bars)


@attrs.frozen(eq=False, kw_only=True)
class _Fitted(Geometry):
    """A geometry whose pixels are those of `Resizing`; `bars` lie beside the picture, in its pixels."""

    how: HubFit
    bars: tuple[int, int]

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Make the model input of a picture (H, W) or (H, W, C) uint8: (h, w, C) uint8."""
        top, left, bottom, right = self.view
        part = np.atleast_3d(pixels)[top:bottom, left:right]
        part = np.pad(part, [(bar, bar) for bar in self.bars] + [(0, 0)])
        for axis in (0, 1):
            rows = _rows(part.shape[axis], self.size[axis], self.how)
            part = np.moveaxis(np.tensordot(rows, part.astype(np.float32), (1, axis)), 0, axis)
        return np.clip(np.rint(part), 0, 255).astype(np.uint8)

    def ends(self, axis: int) -> tuple[float, float]:
        """Return where the view's edges lie on the input."""
        n, bar, side = self.view[axis + 2] - self.view[axis], self.bars[axis], self.size[axis]
        begin = bar / (n + 2 * bar) * side
        return begin, side - begin


def _rows(n: int, length: int, how: HubFit) -> np.ndarray:
    """Return the (length, n) matrix that resizes one axis."""
    places = (np.arange(length) + 0.5) * n / length
    if how.filter == "nearest":
        return np.eye(n, dtype=np.float32)[places.astype(int)]
    reach, kernel = _KERNELS[how.filter]
    stretch = max(1.0, n / length) if how.antialias else 1.0
    away = np.abs(places[:, None] - 0.5 - np.arange(n)) / stretch
    rows = np.where(away < reach, kernel(away), 0)
    return np.asarray(rows / rows.sum(1, keepdims=True), np.float32)
