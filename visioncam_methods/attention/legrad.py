"""LeGrad."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import attrs
import numpy as np

from visioncam_core.evidence import Evidence
from visioncam_core.options import option


@attrs.frozen
class LeGrad:
    """LeGrad: how far each block's attention to a patch raises the score read off that block.

    Notes:
        s_l = head(norm(pool(tokens behind block l)))
        M_p = mean over blocks, heads and queries q of ReLU(∂s_l/∂A_l)_qp

        A_l: attention of block l (N, heads, T, T) after softmax; s_l: the scalar explained, read off block
        l as the model reads it off the last one; p: the tokens that are positions of the picture.
        M: (N, *grid), at least 0, and twice the score is twice the map.  Where the score reads the class
        token, the last block's other queries have no gradient.

    Differences:
        `pool="mean"` reads the mean of a block's tokens, as torchcam does by default also for a model whose
        head reads the class token; the authors pool as the model does.  The authors scale the map to [0, 1].

    References:
        Bousselham et al., "LeGrad: An explainability method for vision transformers via feature formation
        sensitivity", ICCV 2025, arXiv:2404.03214.
    """

    pool: Literal["model", "mean"] = option(
        "model", help="read each block's tokens as the model reads the last block's, or their mean"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"activations", "attention"})
    family: ClassVar[str] = "attention"
    on: ClassVar[str] = "layer"

    def __call__(self, evidence: Evidence) -> Any:
        """Return the raw map (N, *grid)."""
        attention = evidence.attention("blocks" if self.pool == "model" else "mean")
        each = [np.maximum(G, 0).mean(axis=(1, 2)) for G in attention.need_gradients()]
        return attention.placed(np.mean(each, axis=0))
