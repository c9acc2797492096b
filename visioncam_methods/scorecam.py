"""Score-CAM."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence, Which
from visioncam_core.options import option


@attrs.frozen
class ScoreCAM:
    """Score-CAM: channels weighted by the score of the picture seen through them; no gradients.

    Notes:
        H_k = min–max(upsample(A_k))          the channel as a mask in [0, 1] on the picture
        S_k = logit of the target for x ∘ H_k
        w = softmax over channels of S_k
        M_p = Σ_k w_k A_pk

        A: activations (N, *grid, K); x: the picture as the model receives it.  M: (N, *grid), signed
        where A is.  This is the paper's Algorithm 1; it does not depend on the baseline.  A channel
        that is constant over space has no mask: its weight is 0, the others' weights sum to 1.

    Differences:
        `weights="probability"` is the authors' published code: w_k = class probability of the masked
        picture.  tf-keras-vis applies softmax to a softmax.  pytorch-grad-cam upsamples with aligned
        corners; here pixel centres correspond.  VisionCam 0.0.1 ignored the class.

    References:
        Wang et al., "Score-CAM: Score-weighted visual explanations for convolutional neural
        networks", CVPRW 2020, arXiv:1910.01279.
    """

    weights: Literal["softmax", "probability"] = option(
        "softmax", help="softmax over the channels' logits, or each masked picture's class probability"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return ops.concatenate([ops.weigh(one.activations, self._weights(one)) for one in evidence.each()])

    def _weights(self, one: Evidence) -> Any:
        A = one.activations
        varying = ops.varying_channels(A)
        if len(varying) == 0:
            return ops.place(np.zeros(0, np.float32), varying, A)
        which: Which = "target" if self.weights == "softmax" else "probability"
        S = one.score_changed(masked, ops.channels(A, varying), which)
        return ops.place(ops.softmax(S) if self.weights == "softmax" else S, varying, A)


def masked(x: Any, maps: Any) -> Any:
    """Return x ∘ H_k: the picture (1, *space, C) seen through each of the maps (b, *grid)."""
    H = ops.unit_range(ops.resize(maps, x.shape[1:-1]))
    return x * H[..., None]
