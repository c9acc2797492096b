"""Linear interpolation with half-pixel centres, as one matrix an axis.

A resize along an axis is a matrix product, so the same few lines serve signals,
pictures and volumes, NumPy arrays and tensors, and a view that starts and
stops between pixels (a letterbox).  It agrees with OpenCV's `INTER_LINEAR`
and TensorFlow's `bilinear` (half-pixel centres, edges repeated).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=32)  # a matrix for a large photo takes megabytes
def linear_matrix(n_out: int, n_in: int, start: float = 0.0, stop: float | None = None) -> np.ndarray:
    """Return the weights that read `n_out` samples from the part `[start, stop)` of an axis of `n_in`.

    Args:
        n_out: number of samples wanted, at least 1.
        n_in: number of samples there are, at least 1.
        start: where the part begins, in input samples; 0 is the outer edge of the first.
        stop: where it ends; `n_in`, the outer edge of the last, by default.

    Returns:
        (n_out, n_in) float32 ndarray, read-only; every row sums to 1.
    """
    stop = float(n_in) if stop is None else stop
    centre = start + (np.arange(n_out) + 0.5) * (stop - start) / n_out - 0.5
    centre = np.clip(centre, 0.0, n_in - 1.0)
    low = np.minimum(np.floor(centre).astype(int), max(n_in - 2, 0))
    part = centre - low
    matrix = np.zeros((n_out, n_in), np.float64)
    rows = np.arange(n_out)
    matrix[rows, low] = 1.0 - part
    if n_in > 1:
        matrix[rows, low + 1] += part
    matrix = matrix.astype(np.float32)
    matrix.setflags(write=False)
    return matrix


def resize(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resize the last `len(shape)` axes of an array linearly: (..., *grid) to (..., *shape) float32."""
    result = np.asarray(values, np.float32)
    rank = len(shape)
    for axis, n_out in enumerate(shape):
        position = result.ndim - rank + axis
        matrix = linear_matrix(n_out, result.shape[position])
        if axis == rank - 1:
            result = result @ matrix.T
        elif axis == rank - 2:
            result = matrix @ result
        else:
            result = np.moveaxis(np.tensordot(matrix, result, axes=(1, position)), 0, position)
    return result
