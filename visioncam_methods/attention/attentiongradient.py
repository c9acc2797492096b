"""Attention times its gradient, followed through the blocks."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.evidence import Evidence


@attrs.frozen
class AttentionGradient:
    """Attention times its gradient, followed through all blocks: what each patch brings the class.

    Notes:
        Ā_l = mean over heads of ReLU(∂S/∂A_l ∘ A_l)
        R ← R + Ā_l R, from R = I, for l = 1 … L
        M_p = Σ_t r_t (R − I)_tp

        A_l: attention of block l (N, heads, T, T) after softmax; r: (N, T) the share of each token in what
        the score reads, as in rollout; p: the tokens that are positions of the picture.  M: (N, *grid), at
        least 0; 0 where the score has no gradient.  Twice the score is not twice the map.  Equations 5 and 6
        of the paper, for an encoder alone; I matters only to a model that pools its patches.

    Differences:
        None on a class token: Chefer's code gives the same to rounding.  Registers and distillation tokens
        are left out of the map, and a model that pools its patches is read there.

    References:
        Chefer, Gur and Wolf, "Generic attention-model explainability for interpreting bi-modal and
        encoder-decoder transformers", ICCV 2021, arXiv:2103.15679.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "attention"})
    family: ClassVar[str] = "attention"
    on: ClassVar[str] = "layer"

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        attention = evidence.attention("score")
        R = identity = np.eye(attention.weights[0].shape[-1], dtype=np.float32)
        for A, G in zip(attention.weights, attention.need_gradients(), strict=True):
            R = R + np.maximum(G * A, 0).mean(axis=1) @ R
        return attention.placed((attention.read[:, None] @ (R - identity))[:, 0])
