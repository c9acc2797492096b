"""XGrad-CAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence


@attrs.frozen
class XGradCAM:
    """XGrad-CAM: channels weighted by their gradients, averaged with the activations as weights.

    Notes:
        w_k = Σ_p G_pk A_pk / Σ_p A_pk
        M_p = Σ_k w_k A_pk

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape.  M: (N, *grid), signed.  A channel
        whose sum vanishes, |Σ A_k| ≤ 1e-5 · Σ |A_k|, has weight 0, as has one whose Σ G·A does; where A is
        signed such sums are small and the weights unsteady, which the diagnostic `signed-activations` says.
        Σ_p M_p = Σ G·A, which is S for a piecewise-linear tail without biases.

    Differences:
        The guard is relative: pytorch-grad-cam adds 1e-7 to the sum, at any scale.

    References:
        Fu et al., "Axiom-based Grad-CAM: Towards accurate visualization and explanation of CNNs",
        BMVC 2020, arXiv:2008.02312.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})
    assumes_positive: ClassVar[bool] = True
    sums: ClassVar[str] = "GA over positions"

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        w = activation_weighted_gradients(evidence)
        return ops.weigh(evidence.activations, w)


def activation_weighted_gradients(evidence: Evidence) -> Any:
    """Return w_k = Σ_p G_pk A_pk / Σ_p A_pk, (N, K)."""
    A, G = evidence.activations, evidence.gradients
    return ops.divide_by_sum(ops.sum_space(G * A), A)
