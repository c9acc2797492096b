"""Layer Integrated Gradients."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.errors import OptionError
from visioncam_core.evidence import Account, Attribution, Evidence, hidden_kind, name_of
from visioncam_core.options import in_range, option


@attrs.frozen
class LayerIntegratedGradients:
    """Layer Integrated Gradients: HiResCAM with the gradient averaged on the way from a baseline.

    Notes:
        M_p = Σ_k (A − A′)_pk Σ_i w_i G_pk(A′ + α_i (A − A′))

        A: activations (N, *grid, K), A′ those of the baseline; G = ∂S/∂A; α_i and w_i are the nodes and
        weights of Gauss–Legendre quadrature on (0, 1), Σ w_i = 1.  M: (N, *grid), signed.  Completeness:
        Σ_p M_p = S(A) − S(A′) for any network after the layer, up to the quadrature; the account has what is
        missing.  Where the score is affine in A, against A′ = 0, it is HiResCAM.

    Differences:
        captum's LayerIntegratedGradients, the same with 50 nodes, goes through the whole model at each; here
        only what lies after the layer is run.

    References:
        Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", ICML 2017, arXiv:1703.01365;
        at a layer: Kokhlikyan et al., "Captum: A unified and generic model interpretability library for
        PyTorch", 2020, arXiv:2009.07896.
    """

    baseline: str | np.ndarray = option(
        "black",
        help="black, grey, white, zero, mean, blur:10 or noise, a picture, or zero-activations, 0 at the "
        "layer; in Python also an array",
        validator=hidden_kind("zero-activations"),
    )
    steps: int = option(16, help="nodes of the quadrature", validator=in_range(1, 10_000))
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients-elsewhere"})

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *grid) and what it adds up to."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        A, below = ops.to_numpy(one.activations), self._below(one)
        nodes, weights = np.polynomial.legendre.leggauss(self.steps)
        alpha = ((nodes + 1) / 2).reshape(-1, *(1,) * (A.ndim - 1)).astype(A.dtype)
        G = one.tail_gradients(lambda i: below + alpha[i] * (A - below), self.steps, weights / 2)
        M = ((A - below) * G).sum(axis=-1)
        before = one.score_activations(lambda i: below, 1)
        expected = float(one.score[0]) - float(before[0])
        account = Account(
            name_of(self.baseline), float(M.sum(dtype=np.float64)), expected, samples=self.steps
        )
        return Attribution(M, (account,))

    def _below(self, one: Evidence) -> np.ndarray:
        """Return the activations (1, *grid, K) of the baseline."""
        if isinstance(self.baseline, str) and self.baseline == "zero-activations":
            return np.zeros_like(ops.to_numpy(one.activations))
        hidden = one.hidden(self.baseline)
        if len(hidden) > 1:
            raise OptionError(f"baseline= takes one picture here, received a stack of {len(hidden)}")
        return ops.to_numpy(one.at(hidden).activations)
