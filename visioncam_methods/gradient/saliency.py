"""Saliency."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import Evidence
from visioncam_core.options import option


@attrs.frozen
class Saliency:
    """Saliency: how much each pixel moves the score, the size of the gradient there.

    Notes:
        M_p = max_c |g_pc|

        g = ∂S/∂x at the picture x as the model receives it.  M: (N, *space), not negative: evidence for and
        against the target look the same.  `channels="sum"` is Σ_c |g_pc|, "norm" √Σ_c g²_pc.  `signed=True`
        is the g_pc of the largest size, Σ_c g_pc, and the norm with the sign of that sum.

        The renderer of this name is something else: any method's map over the photo, `renderer="overlay"`.

    Differences:
        tf-keras-vis and captum give |g_pc| of each channel and leave the rest to the caller.

    References:
        Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks: Visualising image
        classification models and saliency maps", 2013, arXiv:1312.6034.
    """

    channels: Literal["max", "sum", "norm"] = option("max", help="how a pixel's channels become one number")
    signed: bool = option(False, help="keep the gradient's sign instead of taking its size")
    family: ClassVar[str] = "gradient"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset({"gradients"})
    sign_blind: ClassVar[bool] = True

    def __call__(self, evidence: Evidence) -> np.ndarray:
        """Return the raw map (N, *space)."""
        return across(ops.to_numpy(evidence.gradients), self.channels, self.signed)


def across(g: np.ndarray, channels: str, signed: bool = False) -> np.ndarray:
    """Return one number for each pixel of g, (N, *space, C); see `Saliency`."""
    size = np.abs(g)
    if channels == "sum":
        return np.asarray((g if signed else size).sum(axis=-1))
    if channels == "norm":
        norm = np.asarray(np.linalg.norm(g, axis=-1))
        return norm * np.sign(g.sum(axis=-1)) if signed else norm
    largest = size.argmax(axis=-1)[..., None]
    return np.asarray(np.take_along_axis(g if signed else size, largest, axis=-1)[..., 0])
