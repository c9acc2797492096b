"""Attention rollout."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.evidence import Evidence


@attrs.frozen
class Rollout:
    """Attention rollout: attention followed through all blocks; the same map for every class.

    Notes:
        Â_l = (mean over heads of A_l + I), each row divided by its sum
        R = Â_L … Â_1
        M_p = Σ_t r_t R_tp

        A_l: attention of block l (N, heads, T, T) after softmax; r: (N, T) the share of each token in what
        the score reads, the class token alone or all pooled tokens equally, rows of sum 1; p: the tokens that
        are positions of the picture.  M: (N, *grid), from 0 to 1; with the other tokens it sums to 1.  It
        sees neither the class nor the values that attention moves.  A head that pools the tokens by attention
        of its own (CaiT, SigLIP) is taken to read all of them equally.

    Differences:
        jacobgil/vit-explain divides columns, keeps the largest head by default and drops nine tenths of the
        weights; here as in the paper and in Chefer's code.  Registers and distillation tokens are left out of
        the map, and a model that pools its patches is read there.

    References:
        Abnar and Zuidema, "Quantifying attention flow in transformers", ACL 2020, arXiv:2005.00928.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations", "attention"})
    family: ClassVar[str] = "attention"
    on: ClassVar[str] = "layer"
    class_blind: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        attention = evidence.attention()
        r = attention.read[:, None]
        for A in reversed(attention.weights):
            A_hat = A.mean(axis=1) + np.eye(A.shape[-1], dtype=A.dtype)
            r = r @ (A_hat / A_hat.sum(axis=-1, keepdims=True))
        return attention.placed(r[:, 0])
