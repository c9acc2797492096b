"""Score-CAM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence, Which
from visioncam_core.options import in_range, option

FIRST = 32
"""Channels in the first step of the anytime mode; each later one doubles them."""


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
    channels: int | None = option(
        None,
        help="score only this many channels, those that vary most over space; all by default; approximate",
        validator=in_range(1, 2**20),
    )
    until: float | None = option(
        None,
        help="stop once the map's rank correlation with the map from half as many channels exceeds this; "
        "approximate",
        validator=in_range(-1, 1),
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return ops.concatenate([self._map(one) for one in evidence.each()])

    def _map(self, one: Evidence) -> Any:
        A, chosen = one.activations, self._chosen(one.activations)
        which: Which = "target" if self.weights == "softmax" else "probability"
        S, M = np.zeros(0, np.float32), ops.weigh(A, ops.place(np.zeros(0, np.float32), chosen[:0], A))
        for start, stop in self._steps(len(chosen)):
            more = one.score_changed(masked, ops.channels(A, chosen[start:stop]), which)
            S, before = np.concatenate([S, ops.to_numpy(more)]), M
            w = ops.softmax(S) if self.weights == "softmax" else S
            M = ops.weigh(A, ops.place(w, chosen[:stop], A))
            if start and self.until is not None and _like(M, before) > self.until:
                break
        return M

    def _chosen(self, A: Any) -> np.ndarray:
        varying = ops.varying_channels(A)
        if self.channels is None and self.until is None:
            return varying
        spread = ops.to_numpy(ops.spread(A))[0, varying]
        return varying[np.argsort(-spread, kind="stable")][: self.channels]

    def _steps(self, count: int) -> Iterator[tuple[int, int]]:
        start, stop = 0, count if self.until is None else FIRST
        while start < count:
            yield start, min(stop, count)
            start, stop = stop, 2 * stop


def masked(x: Any, maps: Any) -> Any:
    """Return x ∘ H_k: the picture (1, *space, C) seen through each of the maps (b, *grid)."""
    H = ops.unit_range(ops.resize(maps, x.shape[1:-1]))
    return x * H[..., None]


def _like(one: Any, other: Any) -> float:
    """Return the rank correlation of the positive parts of two maps."""
    from visioncam_core.results.agreement import rank_correlation

    return rank_correlation(ops.to_numpy(ops.relu(one)), ops.to_numpy(ops.relu(other)))
