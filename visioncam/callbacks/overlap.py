"""How much two heat maps of one picture have in common: one number."""

from __future__ import annotations

import numpy as np

from visioncam_core.errors import ImageError


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the histogram intersection of two heat maps, each divided by its sum.

    Σ min(p, q) over all positions, where p = |first| / Σ|first| and q likewise: the share of the attention
    that both maps put in the same place, which is 1 minus half the sum of |p − q| (Swain and Ballard 1991,
    for colour histograms).  Neither brightness nor size of the maps changes it.

    Args:
        first: heat map of any shape, finite.
        second: heat map of the same shape.

    Returns:
        From 0 (nowhere the same) to 1 (the same map).  Two blank maps are the same, 1; a blank one and
        another have nothing in common, 0.

    Raises:
        ImageError: the shapes differ.
    """
    if np.shape(first) != np.shape(second):
        raise ImageError(
            f"maps are compared position by position; received shapes {np.shape(first)} and "
            f"{np.shape(second)}: pass two maps of one picture"
        )
    p, q = np.abs(first, dtype=np.float64), np.abs(second, dtype=np.float64)
    sums = float(p.sum()), float(q.sum())
    if not all(sums):
        return float(sums[0] == sums[1])
    return min(1.0, float(np.minimum(p / sums[0], q / sums[1]).sum()))
