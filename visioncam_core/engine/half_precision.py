"""Gradients in half precision, where small ones vanish: those of a multiple of the score, divided again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from visioncam_core.ops import backend, like, to_numpy

_MULTIPLES = (1024.0, 1.0, 65536.0)


def try_multiples(scaled: Callable[[float], tuple[Any, Any]]) -> tuple[Any, Any]:
    """Return the float16 gradients of a score, and what came with them.

    Each picture has the first multiple whose gradients neither overflow nor vanish, or else the score itself,
    whatever the others in its batch.

    Args:
        scaled: returns the (N, ...) gradients of so many times the score, and anything else.
    """
    kept = found = other = None
    for scale in _MULTIPLES:
        gradients, other = scaled(scale)
        gradients = gradients / np.float32(scale)
        good = _informative(to_numpy(gradients))
        if found is None:
            kept, found = gradients, good
        else:
            better = like(~found & (good | (scale == 1.0)), gradients)
            kept = backend(gradients).where(better, gradients, kept)
            found = found | good
        if found.all():
            break
    return kept, other


def _informative(gradients: np.ndarray) -> np.ndarray:
    """Return for each picture whether its gradients are finite and not all zero, (N, 1, ...)."""
    inner = tuple(range(1, gradients.ndim))
    good: np.ndarray = np.isfinite(gradients).all(inner, keepdims=True) & gradients.any(inner, keepdims=True)
    return good
