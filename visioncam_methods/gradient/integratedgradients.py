"""Integrated Gradients."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Account, Attribution, Evidence
from visioncam_core.options import in_range, option


@attrs.frozen
class IntegratedGradients:
    """Integrated Gradients: the gradient averaged along the straight way from a baseline to the picture.

    Notes:
        M_p = Σ_c (x − x′)_pc Σ_i w_i g_pc(x′ + α_i (x − x′))

        x: the picture as the model receives it, x′ the baseline, g = ∂S/∂x; α_i and w_i are the nodes and
        weights of Gauss–Legendre quadrature on (0, 1), Σ w_i = 1.  M: (N, *space), signed.  Completeness:
        Σ_p M_p = S(x) − S(x′), up to the quadrature; the account has what is missing.

    Differences:
        captum 0.9.0's `riemann_trapezoid` has weights that sum to (n − 1)/n: 2 % too small at 50 steps; its
        default, Gauss–Legendre, is the same as here.  Here "black" is a black picture, made ready as the
        picture was; others' default of 0 in the model's input is grey, or ImageNet's mean colour.

    References:
        Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017, arXiv:1703.01365.
    """

    baseline: Any = option(
        "black", help="black, grey, white, zero, mean, blur:10 or noise; in Python an array, too"
    )
    steps: int = option(32, help="nodes of the quadrature", validator=in_range(1, 10_000))
    family: ClassVar[str] = "gradient"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset({"gradients-elsewhere"})

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space) and what it adds up to."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        x, below = ops.to_numpy(one.inputs), one.hidden(self.baseline)[:1]
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)
        alpha = ((nodes + 1) / 2).reshape(-1, *(1,) * (x.ndim - 1)).astype(x.dtype)
        g = one.mean_gradients(lambda i: below + alpha[i] * (x - below), self.steps, weights / 2)
        M = ((x - below) * g).sum(axis=-1)
        before = one.score_inputs(lambda i: below, 1)
        expected = float(one.score[0]) - float(before[0])
        return Attribution(
            M, (Account(str(self.baseline), float(M.sum(dtype=np.float64)), expected, samples=self.steps),)
        )
