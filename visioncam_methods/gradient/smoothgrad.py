"""SmoothGrad."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import in_range, option
from visioncam_methods.gradient.saliency import across

ROUNDING = 1e-6
"""Share of a mean square below which the variance is what float32 left over."""


@attrs.frozen
class SmoothGrad:
    """SmoothGrad: the gradient averaged over noisy copies of the picture; its square; its variance.

    Notes:
        M_p = max_c |⟨g_pc(x + ε_i)⟩_i|                              statistic="mean"
        M_p = Σ_c ⟨g²_pc(x + ε_i)⟩_i                                 "square"
        M_p = Σ_c ⟨g²_pc(x + ε_i)⟩_i − ⟨g_pc(x + ε_i)⟩²_i            "variance"

        x: the picture as the model receives it; g = ∂S/∂x; ε_i ~ N(0, σ²), i = 1…n, where σ = `sigma` ·
        (max x − min x) of that picture.  M: (N, *space), not negative.  At σ = 0 the mean is Saliency, and
        the variance 0.  The noise follows from `seed` and i alone, so that a batch gives what single
        pictures give, and 50 copies begin with the 25.

    Differences:
        PAIR's default is the mean of squares; captum's σ is 1 for any range of the picture, xplique's .2: on
        0–255 inputs neither is noticeable noise.  The variance is the population's, as captum's; xplique's is
        n/(n − 1) of it.

    References:
        Smilkov et al., "SmoothGrad: removing noise by adding noise", 2017, arXiv:1706.03825; the square:
        Hooker et al., "A benchmark for interpretability methods in deep neural networks", NeurIPS 2019,
        arXiv:1806.10758; the variance: Adebayo et al., "Local explanation methods for deep neural networks
        lack sensitivity to parameter values", 2018, arXiv:1810.03307.
    """

    n: int = option(25, help="number of noisy copies", validator=in_range(1, 10_000))
    sigma: float = option(
        0.15, help="noise level", unit="share of the picture's value range", validator=in_range(0, 10)
    )
    statistic: Literal["mean", "square", "variance"] = option(
        "mean",
        help="what is taken of the gradients: their mean, the mean of their squares, or their "
        "variance (VarGrad)",
    )
    family: ClassVar[str] = "gradient"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset({"gradients-elsewhere"})
    sign_blind: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> np.ndarray:
        """Return the raw map (N, *space)."""
        return np.concatenate([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> np.ndarray:
        x = ops.to_numpy(one.inputs)
        sigma = self.sigma * (x.max() - x.min())
        mean, square = np.split(
            one.mean_gradients(
                lambda indices: x + sigma * noise(one.seed, indices, x),
                self.n,
                of=lambda g, indices: np.concatenate([g, g**2], axis=-1),
            ),
            2,
            axis=-1,
        )
        if self.statistic == "mean":
            return across(mean, "max")
        if self.statistic == "square":
            return across(square, "sum")
        variance = square - mean**2
        return across(np.where(variance > ROUNDING * square, variance, 0), "sum")


def noise(seed: int, indices: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return standard normal noise (b, *space, C) in x's type for a picture (1, *space, C)."""
    drawn = [np.random.default_rng((seed, int(i))).standard_normal(x.shape[1:], np.float32) for i in indices]
    return np.stack(drawn).astype(x.dtype)
