"""Gradients in half precision, where small ones vanish: those of a multiple of the score, divided again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

_MULTIPLES = (1024.0, 1.0, 65536.0)


def is_half(tensor: Any) -> bool:
    """Return whether a tensor is float16, whose smallest number is 6e-8; bfloat16 reaches much further."""
    import tensorflow as tf

    return bool(tensor.dtype == tf.float16)


def telling(scaled: Callable[[float], tuple[Any, Any]], half: bool) -> tuple[Any, Any]:
    """Return the gradients of a score, and what came with them.

    Args:
        scaled: returns the gradients of so many times the score, and anything else.
        half: whether they are float16: then the first multiple is taken that neither overflows nor vanishes.
    """
    if not half:
        return scaled(1.0)
    for scale in _MULTIPLES:
        gradients, other = scaled(scale)
        if np.all(np.isfinite(gradients)) and np.any(np.asarray(gradients)):
            break
    return gradients / np.float32(scale), other


@lru_cache(maxsize=4)
def multiple(scale: float) -> Any:
    """Return a number as a float32 tensor."""
    import tensorflow as tf

    with tf.init_scope():
        return tf.constant(scale, tf.float32)
