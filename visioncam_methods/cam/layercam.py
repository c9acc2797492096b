"""LayerCAM."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import in_range, option


@attrs.frozen
class LayerCAM:
    """LayerCAM: each activation weighted by its own positive gradient, summed over channels.

    Notes:
        M_p = Σ_k max(G_pk, 0) A_pk
        with γ > 0:  M_p = tanh(γ M_p / max_q M_q)

        A: activations (N, *grid, K); G = ∂S/∂A, the same shape; γ: `gamma`.  M: (N, *grid), signed where A
        is.  For A ≥ 0 it is element-wise Grad-CAM's map.  A layer whose output is pooled or read with a
        stride gets a gradient at some positions only, and the map has their pattern: take the pooled output.

    Differences:
        None where `gamma` is 0: pytorch-grad-cam and torchcam compute the same.  The paper brightens the maps
        of early layers alone, with γ = 2, before it takes the maximum of several layers (`fuse="max"`).

    References:
        Jiang et al., "LayerCAM: Exploring hierarchical class activation maps for localization", IEEE TIP
        2021.
    """

    gamma: float = option(0.0, help="brighten weak evidence; 0 does not", validator=in_range(0, 100))
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        M = ops.sum_channels(ops.relu(evidence.gradients) * evidence.activations)
        if self.gamma == 0:
            return M
        xp = ops.backend(M)
        largest = xp.max(M, axis=tuple(range(1, len(M.shape))), keepdims=True)
        return xp.tanh(self.gamma * ops.divide(M, largest, largest > 0))
