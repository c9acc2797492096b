"""HiResCAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence


@attrs.frozen
class HiResCAM:
    """HiResCAM: activation times gradient, summed over channels at each position.

    Notes:
        M_p = Σ_k G_pk A_pk

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape.  M: (N, *grid), signed; there is no
        ReLU in the definition.  With one dense layer after the activations, M_p is the exact
        contribution of position p and Σ_p M_p = S − b.  Where a layer norm alone reads the layer, M_p is 0
        by Euler's theorem, with the diagnostic `terms-cancel`; a map whose Σ_p |M_p| is at most 1e-5
        of Σ_pk |G_pk A_pk| is 0.

    Differences:
        None that matter: pytorch-grad-cam computes the same.

    References:
        Draelos and Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
        convolutional neural networks", 2020, arXiv:2011.08891.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})
    sums: ClassVar[str] = "GA over channels"

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return ops.sum_channels(evidence.gradients * evidence.activations)
