"""Element-wise Grad-CAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence


@attrs.frozen
class GradCAMElementWise:
    """Element-wise Grad-CAM: the positive part of activation times gradient, summed over channels.

    Notes:
        M_p = Σ_k max(G_pk A_pk, 0)

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape.  M: (N, *grid), never negative.  For
        A ≥ 0 it is LayerCAM's map.

    Differences:
        The paper it goes back to puts the ReLU after the sum, which is the positive part of HiResCAM.
        The ReLU inside, per product, is what pytorch-grad-cam calls GradCAMElementWise.  The paper's
        own VisionCam 0.0.1 computed plain Grad-CAM under this name.

    References:
        Pillai and Pirsiavash, "Explainable models with consistent interpretations", AAAI 2021.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return ops.sum_channels(ops.relu(evidence.gradients * evidence.activations))
