"""The nine methods again, one picture at a time, in float64 and plain loops.

Written from the papers' formulas, with nothing of the library's: slow, and easy to check by eye.
`A` and `G` are (*grid, K); `score_of` returns the target's score of one (*space, C) picture or of one
(*grid, K) activation.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import exp

import numpy as np

Score = Callable[[np.ndarray], float]


def positions(A: np.ndarray) -> list[tuple[int, ...]]:
    return list(product(*(range(n) for n in A.shape[:-1])))


def weighed(A: np.ndarray, w: list[float]) -> np.ndarray:
    M = np.zeros(A.shape[:-1])
    for p in positions(A):
        for k in range(A.shape[-1]):
            M[p] += w[k] * A[p][k]
    return M


def gradcam(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    w = []
    for k in range(A.shape[-1]):
        total = 0.0
        for p in positions(A):
            total += G[p][k]
        w.append(total / len(positions(A)))
    return weighed(A, w)


def hirescam(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    M = np.zeros(A.shape[:-1])
    for p in positions(A):
        for k in range(A.shape[-1]):
            M[p] += G[p][k] * A[p][k]
    return M


def gradcamelementwise(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    M = np.zeros(A.shape[:-1])
    for p in positions(A):
        for k in range(A.shape[-1]):
            M[p] += max(G[p][k] * A[p][k], 0.0)
    return M


def xgradcam(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    w = []
    for k in range(A.shape[-1]):
        above = sum(G[p][k] * A[p][k] for p in positions(A))
        below = sum(A[p][k] for p in positions(A))
        size = sum(abs(A[p][k]) for p in positions(A))
        w.append(0.0 if abs(below) <= 1e-6 * size else above / below)
    return weighed(A, w)


respondcam = xgradcam


def gradcamplusplus(A: np.ndarray, G: np.ndarray) -> np.ndarray:
    w = []
    for k in range(A.shape[-1]):
        total = sum(A[p][k] for p in positions(A))
        weight = 0.0
        for p in positions(A):
            below = 2 + total * G[p][k]
            if G[p][k] > 0 and below > 0:
                weight += G[p][k] / below
        w.append(weight)
    return weighed(A, w)


def smoothgradcamplusplus(A: np.ndarray, copies: list[np.ndarray]) -> np.ndarray:
    """Return the map from the clean picture's A and the gradients at the noisy copies."""
    w = []
    for k in range(A.shape[-1]):
        total = sum(A[p][k] for p in positions(A))
        weight = 0.0
        for p in positions(A):
            D1 = sum(G[p][k] for G in copies) / len(copies)
            D2 = sum(G[p][k] ** 2 for G in copies) / len(copies)
            D3 = sum(G[p][k] ** 3 for G in copies) / len(copies)
            below = 2 * D2 + total * D3
            if below > 0:
                weight += D2 / below * max(D1, 0.0)
        w.append(weight)
    return weighed(A, w)


def scorecam(A: np.ndarray, x: np.ndarray, score_of: Score) -> np.ndarray:
    scores: dict[int, float] = {}
    for k in range(A.shape[-1]):
        H = upsampled(A[..., k], x.shape[:-1])
        if A[..., k].max() > A[..., k].min():
            H = (H - H.min()) / (H.max() - H.min())
            scores[k] = score_of(x * H[..., None])
    top = max(scores.values())
    below = sum(exp(score - top) for score in scores.values())
    return weighed(A, [exp(scores[k] - top) / below if k in scores else 0.0 for k in range(A.shape[-1])])


def ablationcam(A: np.ndarray, score_of: Score) -> np.ndarray:
    S = score_of(A)
    w = []
    for k in range(A.shape[-1]):
        without = A.copy()
        without[..., k] = 0.0
        w.append((S - score_of(without)) / abs(S))
    return weighed(A, w)


def upsampled(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return values on a finer grid: linear between pixel centres, constant beyond the outermost."""
    for axis, length in enumerate(shape):
        n = values.shape[axis]
        centres = (np.arange(length) + 0.5) * n / length - 0.5
        values = np.apply_along_axis(lambda row: np.interp(centres, np.arange(n), row), axis, values)  # noqa: B023
    return values


def weights_in(raw: np.ndarray, A: np.ndarray) -> np.ndarray:
    """Return the w with M = Σ w_k A_k, for one picture with more positions than channels."""
    w, _, rank, _ = np.linalg.lstsq(A.reshape(-1, A.shape[-1]), raw.ravel(), rcond=None)
    assert rank == A.shape[-1]
    return w
