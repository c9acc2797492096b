"""Linear interpolation with half-pixel centres, as one matrix an axis.

A resize along an axis is a matrix product, so the same few lines serve signals,
pictures and volumes, NumPy arrays and tensors, and a view that starts and
stops between pixels (a letterbox).  It agrees with OpenCV's `INTER_LINEAR`
and TensorFlow's `bilinear` (half-pixel centres, edges repeated).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import attrs
import numpy as np

PLACEMENTS = ("stretched", "receptive", "effective")


@attrs.frozen
class Placement:
    """Where the positions of a layer lie on the model's input.

    Attributes:
        name: "stretched" (as if they tiled the input evenly), "receptive" (where kernels, strides and padding
            put them) or "effective" (and where the weights of the kernels look).
        start: for each axis the pixel that the first position looks at, counted from the centre of the first
            pixel; () where positions tile the input.
        step: pixels from one position to the next; negative where they run backwards.
        why: why the input is tiled although another placement was wanted, or "".
    """

    name: str = "stretched"
    start: tuple[float, ...] = ()
    step: tuple[float, ...] = ()
    why: str = ""

    def read(self, axis: int, n: int, size: int, begin: float, end: float) -> tuple[float, float]:
        """Return where the pixel edges `begin` and `end`, of `size`, lie on a map of `n` positions."""
        if not self.step:
            return begin * (n / size), end * (n / size)
        first, last = (0.5 + (edge - 0.5 - self.start[axis]) / self.step[axis] for edge in (begin, end))
        return first, last

    def pixels(self, grid: tuple[int, ...], space: tuple[int, ...]) -> list[np.ndarray]:
        """Return for each axis the pixel that each position looks at, on an input of `space`."""
        if not self.step:
            return [(np.arange(n) + 0.5) * size / n - 0.5 for n, size in zip(grid, space, strict=True)]
        return [
            start + step * np.arange(n) for n, start, step in zip(grid, self.start, self.step, strict=True)
        ]


STRETCHED = Placement()


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


@lru_cache(maxsize=32)
def placed_matrix(
    n_out: int, n_in: int, size: int, begin: float, end: float, placement: Placement, axis: int
) -> np.ndarray:
    """Return the weights that read `n_out` samples between the pixel edges `begin` and `end` of an axis.

    Args:
        n_out: number of samples wanted.
        n_in: number of positions there are.
        size: pixels of the whole axis.
        begin: where the part begins.
        end: where it ends.
        placement: where the positions lie.
        axis: number of the axis.
    """
    return linear_matrix(n_out, n_in, *placement.read(axis, n_in, size, begin, end))


def resize(values: np.ndarray, shape: tuple[int, ...], placement: Placement = STRETCHED) -> np.ndarray:
    """Resize the last `len(shape)` axes of an array linearly: (..., *grid) to (..., *shape) float32.

    The values lie where `placement` says; beyond the outermost ones their value holds.
    """
    result = np.asarray(values, np.float32)
    rank = len(shape)
    for axis, n_out in enumerate(shape):
        position = result.ndim - rank + axis
        matrix = placed_matrix(n_out, result.shape[position], n_out, 0, n_out, placement, axis)
        if axis == rank - 1:
            result = result @ matrix.T
        elif axis == rank - 2:
            result = matrix @ result
        else:
            result = np.moveaxis(np.tensordot(matrix, result, axes=(1, position)), 0, position)
    return result


def read_at(
    values: np.ndarray, pixels: Sequence[np.ndarray], space: tuple[int, ...], placement: Placement
) -> np.ndarray:
    """Return a map (*grid) read linearly at pixels of each axis, float32; `resize` at places of one's own."""
    for axis, line in enumerate(pixels):
        n = values.shape[axis]
        at = np.array([placement.read(axis, n, space[axis], p + 0.5, p + 0.5)[0] - 0.5 for p in line])
        low = np.clip(np.floor(at).astype(int), 0, max(n - 2, 0))
        part = np.clip(at - low, 0, 1).reshape([-1 if i == axis else 1 for i in range(values.ndim)])
        high = np.minimum(low + 1, n - 1)
        values = (1 - part) * np.take(values, low, axis) + part * np.take(values, high, axis)
    return np.asarray(values, np.float32)
