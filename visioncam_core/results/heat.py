"""The part of a raw map that is shown, scaled to its maximum."""

from __future__ import annotations

import numpy as np


def part_of(raw: np.ndarray, evidence: str) -> np.ndarray:
    """Return the part of a raw map that is shown, on its own scale; see `heat`."""
    return raw if evidence == "signed" else np.maximum(raw if evidence == "for" else -raw, 0)


FEW_PIXELS = 99.0
"""Percentile of a map of single pixels that is drawn in full colour: its maximum is one pixel among thousands."""


def heat(raw: np.ndarray, evidence: str, percentile: float = 100.0) -> np.ndarray:
    """Return the shown part of a raw map divided by its maximum; zeros stay zeros.

    Args:
        raw: (*grid) float32, finite.
        evidence: "for" (the positive part), "against" (the negative part, turned positive), "signed".
        percentile: of the sizes above zero, taken for the maximum; what is above it is cut off there.

    Returns:
        (*grid) float32 in [0, 1], or in [-1, 1] when signed.
    """
    part = part_of(raw, evidence)
    top = float(np.abs(part).max(initial=0.0))
    if top == 0.0:
        return np.zeros_like(part)
    if percentile < 100:
        sizes = np.abs(part)
        top = float(np.percentile(sizes[sizes > 0], percentile))
    return np.clip(part.astype(np.float64) / top, -1.0, 1.0).astype(np.float32)
