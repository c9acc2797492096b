"""What a model does with its input before its first weights: rescaling, arithmetic, or something closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

SCALING = ("Rescaling", "Normalization")
_ARITHMETIC = ("TrueDivide", "Divide", "Multiply", "Subtract", "Add")
_LEGACY_ARITHMETIC = ("truediv", "multiply", "subtract", "add", "bias_add")
_LIBRARIES = ("keras", "tf_keras")
_LARGE = 300.0


def leaves(model: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Yield a model's innermost layers, and a functional model's plain operations, in order, each once."""
    seen = set() if seen is None else seen
    if id(model) in seen:
        return
    seen.add(id(model))
    inner = getattr(model, "operations", None) or getattr(model, "layers", None)
    wrapped = getattr(model, "layer", None)
    if isinstance(inner, list):
        for layer in inner:
            yield from leaves(layer, seen)
    elif hasattr(wrapped, "weights"):
        yield from leaves(wrapped, seen)
    else:
        yield model


def is_a(layer: Any, *names: str) -> bool:
    return any(cls.__name__ in names for cls in type(layer).__mro__)


def weights_of(layer: Any) -> int:
    return sum(prod(weight.shape) for weight in getattr(layer, "weights", ()))


def front(layers: Sequence[Any]) -> int:
    """Return the position of the first layer that computes with weights (convolution, dense, ...)."""
    for position, layer in enumerate(layers):
        if not is_a(layer, *SCALING) and weights_of(layer):
            return position
    return len(layers)


def own_scaling(before: Sequence[Any]) -> tuple[str, str] | None:
    """Return the scaling that a model does itself: "none" for 0..255 or "unit" for 0..1, and why; or None.

    255 is pushed through its Rescaling and Normalization layers; what comes out far too large was meant to be
    1 going in.

    Args:
        before: the layers in front of the first weights.
    """
    scaling = [layer for layer in before if is_a(layer, *SCALING)]
    if scaling:
        value = np.asarray(255.0)
        for layer in scaling:
            value = _scaled(layer, value)
        name = "unit" if np.median(np.abs(value)) > _LARGE else "none"
        return name, f"the model's own {type(scaling[0]).__name__} layer {scaling[0].name!r}"
    for layer in before:
        legacy = is_a(layer, "TFOpLambda") and layer.name.rpartition(".")[2].startswith(_LEGACY_ARITHMETIC)
        if legacy or (is_a(layer, *_ARITHMETIC) and not hasattr(layer, "weights")):
            return "none", f"the model's own arithmetic on its input ({layer.name!r})"
    return None


def opaque(layer: Any) -> bool:
    """Return whether a layer can run arbitrary code: a Lambda, or a third-party class."""
    return is_a(layer, "Lambda") or type(layer).__module__.partition(".")[0] not in _LIBRARIES


def _scaled(layer: Any, value: np.ndarray) -> np.ndarray:
    if is_a(layer, "Rescaling"):
        first, second = np.asarray(layer.scale, float), np.asarray(layer.offset, float)
    elif getattr(layer, "mean", None) is None:  # not built
        return value
    else:
        mean, std = np.asarray(layer.mean, float), np.sqrt(np.asarray(layer.variance, float) + 1e-14)
        first, second = (std, mean) if getattr(layer, "invert", False) else (1 / std, -mean / std)
    result: np.ndarray = value * first + second
    return result
