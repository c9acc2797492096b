"""The part of a raw map that is shown, scaled to its maximum."""

from __future__ import annotations

import numpy as np


def part_of(raw: np.ndarray, evidence: str) -> np.ndarray:
    """Return the part of a raw map that is shown, on its own scale; see `heat`."""
    return raw if evidence == "signed" else np.maximum(raw if evidence == "for" else -raw, 0)


NEAR = 1 / 100
"""Width, as a share of a map's longest side, over which a map of single pixels is drawn."""


def heat(raw: np.ndarray, evidence: str) -> np.ndarray:
    """Return the shown part of a raw map divided by its maximum; zeros stay zeros.

    Args:
        raw: (*grid) float32, finite.
        evidence: "for" (the positive part), "against" (the negative part, turned positive), "signed".

    Returns:
        (*grid) float32 in [0, 1], or in [-1, 1] when signed.
    """
    part = part_of(raw, evidence)
    top = float(np.abs(part).max(initial=0.0))
    if top == 0.0:
        return np.zeros_like(part)
    return (part.astype(np.float64) / top).astype(np.float32)


def pooled(raw: np.ndarray) -> np.ndarray:
    """Return what each pixel's neighbourhood adds up to: single pixels are too small to be seen.

    A Gaussian average of width `NEAR`; for drawing alone.
    """
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(raw, NEAR * max(raw.shape), mode="constant"), np.float32)
