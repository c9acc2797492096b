"""Calling a target function, the user's own included, and checking what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from visioncam_core.errors import TargetError, VisionCamError
from visioncam_core.text import said, shown


def scalars(function: Callable[[Any], Any], values: Any) -> np.ndarray:
    """Return (b,) scores of a user's function, checked."""
    import tensorflow as tf

    return np.asarray(_called(function, tf.convert_to_tensor(values)))


def slope(function: Callable[[Any], Any], values: Any) -> tuple[Any, Any]:
    """Return the (b,) scores of a user's function and their gradient in the (b, ...) values."""
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(values)
        scores = _called(function, values)
    gradient = tape.gradient(scores, values)
    if gradient is None:
        raise TargetError(
            f"the target {function_name(function)} does not depend on the model's output in a differentiable "
            "way; write it with TensorFlow or keras.ops operations on its argument"
        )
    return scores, tf.convert_to_tensor(gradient)


def function_name(function: Any) -> str:
    """Return how a target function reads in a message or title."""
    label = getattr(function, "label", None)
    if callable(label):
        return str(label())
    return shown(_Plain(str(getattr(function, "__name__", None) or type(function).__name__)), 80)


class _Plain(str):
    """Text whose `repr` is itself."""

    def __repr__(self) -> str:
        return str(self)


def _called(function: Callable[[Any], Any], values: Any) -> Any:
    """Return the (b,) float32 scores of (b, ...) values, or raise an error that names function and fault."""
    import tensorflow as tf

    count = int(values.shape[0])
    name = function_name(function)
    try:
        scores = tf.convert_to_tensor(function(values))
    except VisionCamError:
        raise
    except Exception as error:
        raise TargetError(
            f"the target {name} failed on outputs of shape {tuple(values.shape)}: {said(error)}; it takes "
            f"the values of {count} picture{_s(count)} and returns one number for each"
        ) from error
    if not (scores.dtype.is_floating or scores.dtype.is_integer or scores.dtype.is_bool):
        raise TargetError(
            f"the target {name} returned {scores.dtype.name}; it must return one real number for each picture"
        )
    if scores.shape.rank == 0 and count == 1:
        scores = tf.reshape(scores, [1])
    if tuple(scores.shape) != (count,):
        raise TargetError(
            f"the target {name} returned shape {tuple(scores.shape)} for {count} picture{_s(count)}; "
            f"it must return one number for each, shape ({count},)"
        )
    return tf.cast(scores, tf.float32)


def _s(count: int) -> str:
    return "" if count == 1 else "s"
