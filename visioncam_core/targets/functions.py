"""Calling a target function, the user's own included, and checking what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine
from visioncam_core.errors import TargetError, VisionCamError
from visioncam_core.text import brief, error_text


def scalars(engine: Engine, function: Callable[[Any], Any], values: Any) -> np.ndarray:
    (given,) = engine.tensors([values])
    return ops.to_numpy(_called(function, given))


def slope(engine: Engine, function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
    """Return the (b,) scores of a target function and their gradient in the (b, ...) values."""
    scores, gradient = engine.slope(lambda given: _called(function, given), values)
    if gradient is None:
        raise TargetError(
            f"the target {function_name(function)} does not depend on the model's output in a differentiable "
            "way; write it with TensorFlow or keras.ops operations on its argument"
        )
    return scores, gradient


def function_name(function: Any) -> str:
    label = getattr(function, "label", None)
    if callable(label):
        return str(label())
    return brief(_Plain(str(getattr(function, "__name__", None) or type(function).__name__)), 80)


class _Plain(str):
    """Text whose `repr` is itself."""

    __repr__ = str.__str__


def _called(function: Callable[[Any], Any], values: Any) -> Any:
    """Return the (b,) float32 scores of (b, ...) values, or raise an error that names function and fault."""
    count = int(values.shape[0])
    name, pictures = function_name(function), "picture" if count == 1 else "pictures"
    try:
        scores = ops.as_array(function(values))
    except VisionCamError:
        raise
    except Exception as error:
        raise TargetError(
            f"the target {name} failed on outputs of shape {tuple(values.shape)}: {error_text(error)}; it "
            f"takes the values of {count} {pictures} and returns one number for each"
        ) from error
    dtype = ops.dtype_name(scores)
    if not dtype.startswith(("float", "bfloat", "int", "uint", "bool")):
        raise TargetError(
            f"the target {name} returned {dtype}; it must return one real number for each picture"
        )
    shape = tuple(scores.shape)
    if shape == () and count == 1:
        scores = ops.backend(scores).reshape(scores, (1,))
    elif shape != (count,):
        raise TargetError(
            f"the target {name} returned shape {shape} for {count} {pictures}; "
            f"it must return one number for each, shape ({count},)"
        )
    return ops.astype(scores, "float32")
