"""ReciproCAM."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence, Which
from visioncam_core.options import option


@attrs.frozen
class ReciproCAM:
    """ReciproCAM: each position by what the model says when only it is left; no gradients.

    Notes:
        S_p = class probability of the target when A_q is m_p(q) A_q at every position q
        M_p = S_p − min_q S_q

        A: activations (N, *grid, K); m_p: a mask, 1 at position p and 0 elsewhere.  M: (N, *grid), 0 or more.
        The part of the model behind the layer runs once for each of the Z positions.

    Differences:
        `mask="blur"` is the authors' 3 × 3 filter, ¼ ½ ¼ along each axis.  They divide M by its maximum,
        which VisionCam does for every map.  `measure="score"` takes the score that is explained, a logit by
        default, in place of the probability; it needs no class as target.

    References:
        Byun and Lee, "Recipro-CAM: Fast gradient-free visual explanations for convolutional neural networks",
        2022, arXiv:2209.14074.
    """

    mask: Literal["point", "blur"] = option("point", help="one position, or its neighbours too")
    measure: Literal["probability", "score"] = option(
        "probability", help="class probability, or the score that is explained"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations"})

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        return np.concatenate([self._map(one) for one in evidence.each()])

    def _map(self, one: Evidence) -> np.ndarray:
        """Return the raw map of one picture, (1, *grid)."""
        A = one.activations
        grid = tuple(int(n) for n in A.shape[1:-1])
        which: Which = "probability" if self.measure == "probability" else "target"
        S = ops.to_numpy(
            one.score_activations(lambda ps: A * self._masks(ps, grid)[..., None], int(np.prod(grid)), which)
        )
        raw: np.ndarray = (S - S.min()).reshape(1, *grid)
        return raw

    def _masks(self, ps: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
        """Return the masks m_p of some positions, (b, *grid) float32."""
        masks = np.ones((len(ps), *[1] * len(grid)), np.float32)
        for axis, (length, at) in enumerate(zip(grid, np.unravel_index(ps, grid), strict=True)):
            profile = np.eye(length)
            if self.mask == "blur":
                profile = profile / 2 + np.eye(length, k=1) / 4 + np.eye(length, k=-1) / 4
            shape = [-1 if other == axis else 1 for other in range(len(grid))]
            masks = masks * profile[at].reshape(len(ps), *shape).astype(np.float32)
        return masks
