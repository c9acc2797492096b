"""Grad-CAM++."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence


@attrs.frozen
class GradCAMPlusPlus:
    """Grad-CAM++: positive gradients, weighted so that every occurrence of the object counts.

    Notes:
        α_pk = 1 / (2 + G_pk Σ_q A_qk)          (equation 19; G² cancels)
        w_k = Σ_p α_pk max(G_pk, 0)
        M_p = Σ_k w_k A_pk

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape; S: the logit, for which e^S drops out
        after normalising.  M: (N, *grid), signed where A is.  For A ≥ 0 the denominator is at least 2
        wherever max(G, 0) > 0.  For signed A a denominator that is not positive gives α = 0, and the
        explanation carries the diagnostic `signed-activations`.

    Differences:
        pytorch-grad-cam adds 1e-6 to denominators of the order of G², which shifts maps by up to 0.05
        and makes them arbitrary on signed layers.  torchcam 0.5.0 loses the division.  xplique takes
        the mean of A where the paper has the sum.  VisionCam 0.0.1 used row sums of a Hessian.

    References:
        Chattopadhay et al., "Grad-CAM++: Improved visual explanations for deep convolutional
        networks", WACV 2018, arXiv:1710.11063.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})
    assumes_positive: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        A, G = evidence.activations, evidence.gradients
        w = ops.sum_space(alpha(A, 1, G) * ops.relu(G))
        return ops.weigh(A, w)


def alpha(A: Any, square: Any, cube: Any) -> Any:
    """Return square / (2 square + cube Σ A), and 0 where the denominator is not positive.

    Grad-CAM++ divides squares and cubes of the gradient by its square: 1 and G.
    """
    second = 2 * square
    both = second + cube * ops.sum_space(A, keepdims=True)
    return ops.divide(square, both, both > 2 * ops.RELATIVE_ZERO * second)  # else its terms cancel
