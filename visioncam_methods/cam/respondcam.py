"""Respond-CAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_methods.cam.xgradcam import activation_weighted_gradients


@attrs.frozen
class RespondCAM:
    """Respond-CAM: made for volumes; a signed map whose sum is the score.

    Notes:
        w_k = Σ_p G_pk A_pk / Σ_p A_pk
        M_p = Σ_k w_k A_pk,  without a ReLU

        A: activations (N, *grid, K) on one, two or three spatial axes; G = ∂S/∂A, the same shape.
        M: (N, *grid), and the sign is part of the result: look at `explanation.raw`, or pass
        `evidence="signed"`.  Σ_p M_p = S for a piecewise-linear tail without biases ("sum to score").
        The weights are XGrad-CAM's, found two years earlier; the two differ in the ReLU only.

    Differences:
        The paper behind this project cites another work for it, and its VisionCam 0.0.1 divided by a
        sum over all channels.

    References:
        Zhao et al., "Respond-CAM: Analyzing deep models for 3D imaging data by visualizations",
        MICCAI 2018, arXiv:1806.00102.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})
    assumes_positive: ClassVar[bool] = True
    sums: ClassVar[str] = "GA over positions"

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid), signed."""
        w = activation_weighted_gradients(evidence)
        return ops.weigh(evidence.activations, w)
