"""Score-CAM."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, takewhile
from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Account, Attribution, Evidence, Which
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
        """Return the raw map (N, *grid); an approximate one with how far it is settled."""
        found = [self._map(one) for one in evidence.each()]
        maps = ops.concatenate([M for M, _ in found])
        if self.channels is None and self.until is None:
            return maps
        return Attribution(ops.to_numpy(maps), tuple(account for _, account in found))

    def _map(self, one: Evidence) -> tuple[Any, Account]:
        A, varying = one.activations, self._varying(one.activations)
        chosen = varying[: self.channels]
        which: Which = "target" if self.weights == "softmax" else "probability"
        S, M = np.zeros(0, np.float32), ops.weigh(A, ops.place(np.zeros(0, np.float32), chosen[:0], A))
        settled = 0.0
        for start, stop in pairwise((0, *self._stops(len(chosen)))):
            more = one.score_changed(masked, ops.channels(A, chosen[start:stop]), which)
            S, before = np.concatenate([S, ops.to_numpy(more)]), M
            w = ops.softmax(S) if self.weights == "softmax" else S
            M = ops.weigh(A, ops.place(w, chosen[:stop], A))
            settled = _like(M, before) if start else 0.0
            if start and self.until is not None and settled > self.until:
                break
        like = f", rank correlation {settled:.3f} with half of them" if settled else ""
        note = f"{len(S)} of {len(varying)} channels{like}" if len(S) < len(varying) else ""
        return M, Account(samples=len(S), note=note)

    def _varying(self, A: Any) -> np.ndarray:
        """Return the channels that vary; where not all are scored, those that vary most first."""
        varying = ops.varying_channels(A)
        if self.channels is None and self.until is None:
            return varying
        spread = ops.to_numpy(ops.spread(A))[0, varying]
        return varying[np.argsort(-spread, kind="stable")]

    def _stops(self, count: int) -> Iterator[int]:
        """Yield after how many channels a map is made."""
        if self.until is not None:
            yield from takewhile(lambda n: n < count, (FIRST << i for i in range(32)))
        elif self.channels is not None and count > 1:
            yield count // 2
        if count:
            yield count


def masked(x: Any, maps: Any) -> Any:
    """Return x ∘ H_k: the picture (1, *space, C) seen through each of the maps (b, *grid)."""
    H = ops.unit_range(ops.resize(maps, x.shape[1:-1]))
    return x * H[..., None]


def _like(one: Any, other: Any) -> float:
    """Return the rank correlation of the positive parts of two maps."""
    from visioncam_core.results.agreement import rank_correlation

    return rank_correlation(ops.to_numpy(ops.relu(one)), ops.to_numpy(ops.relu(other)))
