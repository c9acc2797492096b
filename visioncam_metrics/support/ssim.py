"""Structural similarity of two maps."""

from __future__ import annotations

import numpy as np

SIGMA, K1, K2 = 1.5, 0.01, 0.03


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean structural similarity of two maps of one shape, in [0, 1] each.

    Notes:
        (2 μ_a μ_b + c₁)(2 σ_ab + c₂) / ((μ_a² + μ_b² + c₁)(σ_a² + σ_b² + c₂)),  c = (0.01)², (0.03)²

        Means and variances in a Gaussian window of sigma 1.5 pixels; edges mirrored.

    References:
        Wang et al., "Image quality assessment", IEEE TIP 2004.
    """
    from scipy.ndimage import gaussian_filter

    def smooth(values: np.ndarray) -> np.ndarray:
        return np.asarray(gaussian_filter(values, SIGMA, mode="reflect", truncate=3.5))

    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    mean_a, mean_b = smooth(a), smooth(b)
    var_a, var_b = smooth(a * a) - mean_a**2, smooth(b * b) - mean_b**2
    both = smooth(a * b) - mean_a * mean_b
    c1, c2 = K1**2, K2**2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return float((top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))).mean())
