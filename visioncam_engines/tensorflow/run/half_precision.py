"""Gradients in half precision, where small ones vanish: those of a multiple of the score, divided again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from visioncam_core.ops import backend

_MULTIPLES = (1024.0, 1.0, 65536.0)


def is_half(tensor: Any) -> bool:
    """Return whether a tensor is float16, whose smallest number is 6e-8; bfloat16 reaches much further."""
    import tensorflow as tf

    return bool(tensor.dtype == tf.float16)


def telling(scaled: Callable[[float], tuple[Any, Any]], half: bool) -> tuple[Any, Any]:
    """Return the gradients of a score, and what came with them.

    Args:
        scaled: returns the (N, ...) gradients of so many times the score, and anything else.
        half: whether they are float16: then each picture has the first multiple that neither overflows nor
            vanishes, or else the score itself, whatever the others in its batch.
    """
    if not half:
        return scaled(1.0)
    kept = found = other = None
    for scale in _MULTIPLES:
        gradients, other = scaled(scale)
        gradients = gradients / np.float32(scale)
        good = _tells(np.asarray(gradients))
        if found is None:
            kept, found = gradients, good
        else:
            kept = backend(gradients).where(~found & (good | (scale == 1.0)), gradients, kept)
            found = found | good
        if found.all():
            break
    return kept, other


def _tells(gradients: np.ndarray) -> np.ndarray:
    """Return for each picture whether its gradients are finite and not all zero, (N, 1, ...)."""
    inner = tuple(range(1, gradients.ndim))
    told: np.ndarray = np.isfinite(gradients).all(inner, keepdims=True) & gradients.any(inner, keepdims=True)
    return told


@lru_cache(maxsize=4)
def multiple(scale: float) -> Any:
    """Return a number as a float32 tensor."""
    import tensorflow as tf

    with tf.init_scope():
        return tf.constant(scale, tf.float32)
