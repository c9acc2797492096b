"""Noisy linear imputation: a missing pixel is the weighted mean of its neighbours."""

from __future__ import annotations

import numpy as np

DIRECT, DIAGONAL = 1 / 6, 1 / 12
NEIGHBOURS = [
    (dy, dx, DIAGONAL if dy and dx else DIRECT) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx
]


def impute(x: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Return the picture with its missing pixels filled in linearly.

    Notes:
        Σ_j w_ij (x_i − x_j) = 0  for every missing pixel i, over its up to 8 neighbours j inside the
        picture; w = 1/6 beside it, 1/12 at its corners.  One sparse linear system for all channels.

    Args:
        x: (H, W, C).
        missing: (H, W) bool, not all of it.

    Returns:
        (H, W, C) of the dtype of `x`; known pixels as they were.

    Raises:
        ValueError: every pixel is missing, and nothing says what they were.
    """
    if missing.all():
        raise ValueError("every pixel is missing; none is left to fill the others from")
    if not missing.any():
        return x.copy()
    from scipy.sparse import csc_matrix
    from scipy.sparse.linalg import splu

    height, width = missing.shape
    number = np.full(missing.shape, -1)
    rows, columns = np.nonzero(missing)
    count = len(rows)
    number[rows, columns] = np.arange(count)
    diagonal, right = np.zeros(count), np.zeros((count, x.shape[-1]))
    entries: list[tuple[np.ndarray, np.ndarray, float]] = []
    for dy, dx, weight in NEIGHBOURS:
        r, c = rows + dy, columns + dx
        inside = np.flatnonzero((r >= 0) & (r < height) & (c >= 0) & (c < width))
        diagonal[inside] += weight
        other = number[r[inside], c[inside]]
        known = inside[other < 0]
        right[known] += weight * x[r[known], c[known]]
        unknown = other >= 0
        entries.append((inside[unknown], other[unknown], -weight))
    i = np.concatenate([np.arange(count), *(one[0] for one in entries)])
    j = np.concatenate([np.arange(count), *(one[1] for one in entries)])
    v = np.concatenate([diagonal, *(np.full(len(one[0]), one[2]) for one in entries)])
    system = csc_matrix((v, (i, j)), (count, count))
    solver = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    filled = x.copy()
    filled[rows, columns] = solver.solve(right)
    return filled
