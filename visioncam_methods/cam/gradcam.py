"""Grad-CAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence


@attrs.frozen
class GradCAM:
    """Grad-CAM: channels weighted by their mean gradient.

    Notes:
        w_k = (1/Z) Σ_p G_pk
        M_p = Σ_k w_k A_pk

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape; S: the logit; Z: the number of
        positions.  M: (N, *grid), signed; the heat map is its positive part divided by its maximum.  A
        channel whose gradients cancel, |Σ_p G_pk| ≤ 1e-5 · Σ_p |G_pk|, has weight 0: after an instance
        norm or a softmax over space all do, which the diagnostic `terms-cancel` says.

    Differences:
        tf-explain multiplies by gated gradients ("guided"), which is a different method.  The paper's own
        VisionCam 0.0.1 averaged the gradients over the batch as well; here every picture is its own.

    References:
        Selvaraju et al., "Grad-CAM: Visual explanations from deep networks via gradient-based
        localization", ICCV 2017, arXiv:1610.02391.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})
    sums: ClassVar[str] = "G over positions"

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        w = ops.mean_space(evidence.gradients)
        return ops.weigh(evidence.activations, w)
