"""Eigen-CAM."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import option


@attrs.frozen
class EigenCAM:
    """Eigen-CAM: what the channels of a layer have in common; no class and no gradients.

    Notes:
        A = U Σ Vᵀ          singular value decomposition, positions in rows, channels in columns
        M_p = ± Σ_k A_pk V_k1

        A: activations (N, *grid, K), each picture by itself as a (Z, K) matrix, Z positions.  M: (N, *grid),
        signed.  Every class gets the same map.  A singular vector may as well point the other way: the sign
        is the one with Σ_p M_p ≥ 0, or for `centre`, where that sum is 0, with Σ_p M_p Σ_k A_pk ≥ 0.  Where
        A ≥ 0, M ≥ 0 (Perron and Frobenius).

    Differences:
        pytorch-grad-cam subtracts each channel's mean over the positions, as `centre=True` does, and leaves
        the sign to chance.  The two maps correlate between −0.8 and 1: they are two methods.

    References:
        Muhammad and Yeasin, "Eigen-CAM: Class activation map using principal components", IJCNN 2020,
        arXiv:2008.00299.
    """

    centre: bool = option(False, help="subtract each channel's mean over the positions first")
    class_blind: ClassVar[bool] = True
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        A = ops.to_numpy(evidence.activations)
        X = A.reshape(len(A), -1, A.shape[-1]).astype(np.float64)
        if self.centre:
            X = X - X.mean(axis=1, keepdims=True)
        V = np.linalg.svd(np.nan_to_num(X, posinf=0, neginf=0), full_matrices=False)[2]
        M = np.einsum("nzk,nk->nz", X, V[:, 0])
        sums = (M * X.sum(axis=-1) if self.centre else M).sum(axis=-1)
        return np.where(sums[:, None] < 0, -M, M).reshape(A.shape[:-1]).astype(A.dtype)

    def in_graph(self, evidence: Evidence) -> Any:
        """Return the same map for a graph, which has no singular value decomposition, by squaring X Xᵀ."""
        A = ops.wide(evidence.activations)
        xp, (positions, channels) = ops.backend(A), (prod(A.shape[1:-1]), int(A.shape[-1]))
        X = xp.reshape(A, (-1, positions, channels))
        X = X - xp.mean(X, axis=1, keepdims=True) if self.centre else X
        seen = xp.sum(X, axis=-1, keepdims=True) if self.centre else xp.ones_like(X[..., :1])  # M's own side
        left = positions <= channels
        turned = xp.moveaxis(X, -1, -2)
        power = _scaled(xp.matmul(X, turned) if left else xp.matmul(turned, X))
        for _ in range(SQUARINGS):
            power = _scaled(xp.matmul(power, power))
        steps = (power, turned) if left else (turned, power)
        V = xp.matmul(steps[1], xp.matmul(steps[0], seen))
        size = xp.sqrt(xp.sum(V * V, axis=-2, keepdims=True))
        M = xp.matmul(X, ops.divide(V, size, size > 0))
        return xp.reshape(M, (-1, *A.shape[1:-1]))


SQUARINGS = 12


def _scaled(power: Any) -> Any:
    """Return (N, n, n) divided by its largest value, so that squaring neither overflows nor vanishes."""
    xp = ops.backend(power)
    top = xp.max(xp.abs(power), axis=(-2, -1), keepdims=True)
    return ops.divide(power, top, top > 0)
