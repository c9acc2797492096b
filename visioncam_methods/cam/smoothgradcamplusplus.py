"""Smooth Grad-CAM++."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import in_range, option
from visioncam_methods.cam.gradcamplusplus import alpha


@attrs.frozen
class SmoothGradCAMPlusPlus:
    """Smooth Grad-CAM++: Grad-CAM++ with the gradient's powers averaged over noisy copies.

    Notes:
        D1, D2, D3 = mean over the n copies of G, G², G³
        α_pk = D2_pk / (2 D2_pk + D3_pk Σ_q A_qk),  0 where the denominator is 0
        w_k = Σ_p α_pk max(D1_pk, 0)
        M_p = Σ_k w_k A_pk

        A: activations of the clean picture (N, *grid, K); G = ∂S/∂A at x + N(0, σ²), where
        σ = `sigma` · (max x − min x) of that picture.  M: (N, *grid).  At σ = 0 it is exactly
        Grad-CAM++.  The noise is drawn from `seed`, separately for each picture, so that a batch gives what
        single pictures give.

    Differences:
        The paper prints D1 as the numerator of α; that form does not reduce to Grad-CAM++ and rewards
        small gradients.  torchcam 0.5.0 multiplies by the last copy's gradient.

    References:
        Omeiza et al., "Smooth Grad-CAM++: An enhanced inference level visualization technique for
        deep convolutional neural network models", 2019, arXiv:1908.01224.
    """

    n: int = option(25, help="number of noisy copies", validator=in_range(1, 10_000))
    sigma: float = option(
        0.15, help="noise level", unit="share of the picture's value range", validator=in_range(0, 10)
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients-elsewhere"})
    assumes_positive: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return ops.concatenate([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Any:
        A, x = one.activations, ops.to_numpy(one.inputs)
        noise = np.random.default_rng(one.seed).standard_normal((self.n, *x.shape[1:]), np.float32)
        G = ops.wide(one.at(x + noise * (self.sigma * (x.max() - x.min()))).gradients)
        xp = ops.backend(G)
        g = xp.max(xp.abs(G))
        U = ops.divide(G, g, g > 0)  # powers of G / max G: the cube of a small gradient underflows
        D1, D2, D3 = (xp.mean(U**power, axis=0, keepdims=True) for power in (1, 2, 3))
        w = ops.sum_space(alpha(A, D2, D3 * g) * ops.relu(D1)) * g
        return ops.weigh(A, w)
