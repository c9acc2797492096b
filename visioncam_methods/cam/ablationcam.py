"""Ablation-CAM."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import option

SMALLEST_SCORE = 1e-12


@attrs.frozen
class AblationCAM:
    """Ablation-CAM: channels weighted by the drop of the score without them; no gradients.

    Notes:
        S^(k) = score with channel k set to zero
        w_k = (S − S^(k)) / |S|
        M_p = Σ_k w_k A_pk

        A: activations (N, *grid, K); S: the logit.  M: (N, *grid), signed.  Dividing by a negative S
        would flip the map, hence |S|; below 1e-12 the drop itself is the weight, and the normalised
        map is the same.  Only what comes after the first operation that mixes the layer's channels runs K
        times, which is exact.  A channel that is zero everywhere has weight 0 and is skipped, also exact.
        Where no drop is above 1e-6 of |S|, all of them are rounding and count as 0.

    Differences:
        `normalize="activation"` divides by the norm of A_k instead of |S|.  pytorch-grad-cam writes
        min A − 1e7 into the channel unless the layer's minimum is exactly 0.  VisionCam 0.0.1 always
        looked at class 404 and divided by 0.8209318.

    References:
        Desai and Ramaswamy, "Ablation-CAM: Visual explanations for deep convolutional network via
        gradient-free localization", WACV 2020.
    """

    normalize: Literal["score", "activation"] = option(
        "score", help="divide the drop by the score's size, or by the norm of the channel's activation"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return ops.concatenate([ops.weigh(one.activations, self._weights(one)) for one in evidence.each()])

    def _weights(self, one: Evidence) -> Any:
        A, S = one.activations, ops.to_numpy(one.score)[0]
        live = ops.live_channels(A)
        if len(live) == 0:
            return ops.place(np.zeros(0, np.float32), live, A)
        drop = S - ops.to_numpy(one.score_without(live))
        if np.abs(drop).max() <= ops.CONSTANT * abs(S):  # all of them are the score's own rounding
            drop = np.zeros_like(drop)
        if self.normalize == "activation":
            norm = ops.channel_norms(A)[live]
            return ops.place(drop / norm, live, A)
        return ops.place(drop / abs(S) if abs(S) >= SMALLEST_SCORE else drop, live, A)
