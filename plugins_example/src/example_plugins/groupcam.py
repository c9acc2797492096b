"""Group-CAM."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence, Which
from visioncam_core.options import in_range, option


@attrs.frozen
class GroupCAM:
    """Group-CAM: groups of channels weighted by the model's score of the picture masked by them.

    Notes:
        B_l = max(Σ_{k in group l} w_k A_k, 0)        w_k = mean over the positions of G_k
        B'_l = B_l where it is above its percentile θ, 0 elsewhere
        H_l = upsample(B'_l / max B'_l)               a mask in [0, 1] on the picture
        α_l = S(x ∘ H_l + x̃ ∘ (1 − H_l)) − S(x̃)
        M_p = Σ_l α_l B'_lp / max B'_l

        A: activations (N, *grid, K), their channels cut into groups in their order; G = ∂S/∂A, the same
        shape; x: the picture as the model receives it, x̃: the picture blurred; S: the class probability.
        M: (N, *grid), signed: the paper's ReLU is taken of every map.  A picture costs a pass for each
        group with a mask, and one for x̃.

    Differences:
        The authors blur by 51 × 51 pixels of a Gaussian with σ = 50, here all of that Gaussian counts.
        `measure="score"` takes the score that is explained, a logit by default; it needs no class as target.

    References:
        Zhang, Rao and Yang, "Group-CAM: Group score-weighted visual explanations for deep convolutional
        networks", 2021, arXiv:2103.13859.
    """

    groups: int = option(32, help="how many groups the channels are cut into", validator=in_range(1, 4096))
    theta: float = option(70.0, help="percentile below which a mask is 0", validator=in_range(0, 99))
    hidden: str = option("blur:50", help="what is seen outside of a mask: blur:50, mean, black, grey, zero")
    measure: Literal["probability", "score"] = option(
        "probability", help="class probability, or the score that is explained"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "gradients"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return np.concatenate([self._map(one) for one in evidence.each()])

    def _map(self, one: Evidence) -> np.ndarray:
        """Return the raw map of one picture, (1, *grid)."""
        masks = self.masks(ops.to_numpy(one.activations), ops.to_numpy(one.gradients))
        x, background = ops.to_numpy(one.inputs), one.hidden(self.hidden)[:1]
        which: Which = "probability" if self.measure == "probability" else "target"

        def seen(each: np.ndarray) -> np.ndarray:
            H = ops.resize(masks[each], x.shape[1:-1])[..., None]
            changed: np.ndarray = (x * H + background * (1 - H)).astype(x.dtype)
            return changed

        S = ops.to_numpy(one.score_inputs(seen, len(masks), which))
        return np.tensordot(S - S[-1], masks, axes=1)[None]

    def masks(self, A: np.ndarray, G: np.ndarray) -> np.ndarray:
        """Return the masks (L + 1, *grid) in [0, 1] of the L groups that have one; the last is 0."""
        terms = (ops.mean_space(G, keepdims=True) * A)[0]
        groups = np.array_split(np.arange(terms.shape[-1]), min(self.groups, terms.shape[-1]))
        found = [np.maximum(terms[..., group].sum(axis=-1), 0) for group in groups]
        kept = [np.where(one > np.percentile(one, self.theta), one, 0) for one in found]
        return np.stack([*(one / one.max() for one in kept if one.any()), np.zeros(A.shape[1:-1], A.dtype)])
