"""The order in which pixels are taken away, and how many at each step."""

from __future__ import annotations

import numpy as np


def order(heat: np.ndarray) -> np.ndarray:
    """Return the positions of the pixels, strongest first; equal ones row by row (a stable sort)."""
    return np.argsort(-heat.ravel(), kind="stable")


def counts(size: int, steps: int) -> np.ndarray:
    """Return how many of `size` pixels are taken after each step, 0 first, all last; (steps + 1,) int.

    Each step takes the same number, rounded up; the last takes what is left.
    """
    return np.minimum(np.arange(min(steps, size) + 1) * -(-size // min(steps, size)), size)
