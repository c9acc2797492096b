"""Recipro-CAM."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import option


@attrs.frozen
class ReciproCAM:
    """Recipro-CAM: each position by the score when only it is left in the layer; no gradients.

    Notes:
        M_p = S(A ∘ m_p)

        A: activations (N, *grid, K); m_p: 1 at position p, 0 elsewhere; S: the score as a function of the
        layer.  M: (N, *grid), signed.  What is after the layer runs once for each of the Z positions.
        Where that is an average and a dense layer, M is Grad-CAM's raw map plus the score of a layer of
        zeros, which `relative=True` subtracts: it is the same at every position.

    Differences:
        The authors take the softmax's probability for S, which `score="probability"` does, and scale M to
        [0, 1] by its minimum.  `mask="blur"` is their 3 × 3 filter, ¼ ½ ¼ along each axis.

    References:
        Byun and Lee, "Recipro-CAM: Fast gradient-free visual explanations for convolutional neural networks",
        2022, arXiv:2209.14074.
    """

    mask: Literal["point", "blur"] = option("point", help="one position, or its neighbours too")
    relative: bool = option(False, help="subtract the score of a layer of zeros")
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return np.concatenate([self._map(one) for one in evidence.each()])

    def _map(self, one: Evidence) -> np.ndarray:
        A = one.activations
        grid = tuple(int(n) for n in A.shape[1:-1])
        count = int(np.prod(grid))

        def alone(ps: np.ndarray) -> Any:
            return A * ops.astype(ops.like(self.masks(ps, grid)[..., None], A), ops.dtype_name(A))

        S = ops.to_numpy(one.score_activations(alone, count + self.relative))
        M: np.ndarray = (S[:count] - S[count] if self.relative else S).reshape(1, *grid)
        return M

    def masks(self, ps: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
        """Return the masks m_p of some positions, (b, *grid) float32; behind the last one, of none."""
        masks = np.ones((len(ps), *[1] * len(grid)), np.float32)
        inside = np.minimum(ps, np.prod(grid) - 1)
        for axis, (length, at) in enumerate(zip(grid, np.unravel_index(inside, grid), strict=True)):
            profile = np.eye(length)
            if self.mask == "blur" and length > 1:
                profile = profile / 2 + np.eye(length, k=1) / 4 + np.eye(length, k=-1) / 4
            shape = [-1 if other == axis else 1 for other in range(len(grid))]
            masks = masks * profile[at].reshape(len(ps), *shape).astype(np.float32)
        masks[ps != inside] = 0
        return masks
