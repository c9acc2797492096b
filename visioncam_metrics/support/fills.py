"""What stands in the place of removed pixels."""

from __future__ import annotations

from typing import Literal

import numpy as np

from visioncam_core.cases import Case
from visioncam_core.errors import OptionError

Fill = Literal["zero", "mean", "black", "blur"]
KERNEL, SIGMA = 11, 5.0
MEANING = {
    "zero": "zero as model input",
    "mean": "the picture's own mean a channel",
    "black": "a black pixel as model input",
    "blur": f"Gaussian blur, kernel {KERNEL}, sigma {SIGMA:g} pixels, edges mirrored",
}


def fill_picture(case: Case, fill: str) -> np.ndarray:
    """Return what the picture becomes when all of it is removed, (*space, C) float32.

    Args:
        case: the picture.
        fill: one of `MEANING`.

    Raises:
        OptionError: "black" for model input, where the value of black is unknown.
    """
    x = case.x
    if fill == "zero":
        return np.zeros_like(x)
    if fill == "mean":
        return np.broadcast_to(x.mean(axis=tuple(range(x.ndim - 1)), dtype=np.float64), x.shape).astype(
            x.dtype
        )
    if fill == "blur":
        return blur(x)
    if case.black is None:
        raise OptionError(
            "fill='black' needs a picture: what is black in model input is not known; use fill='zero'"
        )
    return np.broadcast_to(case.black, x.shape).astype(x.dtype)


def blur(x: np.ndarray) -> np.ndarray:
    """Return the (*space, C) picture blurred over space, as RISE starts its insertion."""
    from scipy.ndimage import gaussian_filter

    sigmas = [SIGMA] * (x.ndim - 1) + [0.0]
    radius = [KERNEL // 2] * (x.ndim - 1) + [0]
    return np.asarray(gaussian_filter(x, sigmas, mode="mirror", radius=radius), x.dtype)
