"""The order in which pixels are taken away, and how many at each step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visioncam_core.cases import Case


def order(heat: np.ndarray) -> np.ndarray:
    """Return the positions of the pixels, strongest first; equal ones row by row (a stable sort)."""
    return np.argsort(-heat.ravel(), kind="stable")


def counts(size: int, steps: int) -> np.ndarray:
    """Return how many of `size` pixels are taken after each step, 0 first, all last; (steps + 1,) int.

    Each step takes the same number, rounded up; the last takes what is left.
    """
    return np.minimum(np.arange(min(steps, size) + 1) * -(-size // min(steps, size)), size)


def mixed(start: np.ndarray, end: np.ndarray, ranks: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Return versions of `start` whose first `cut` pixels in an order come from `end`.

    Args:
        start: (*space, C).
        end: the same shape.
        ranks: (*space) int, each pixel's place in the order.
        cut: (b,) how many pixels are taken.

    Returns:
        (b, *space, C) of the dtype of `start`.
    """
    taken = ranks[None] < cut.reshape(-1, *[1] * ranks.ndim)
    return np.where(taken[..., None], end[None], start[None])


def ranks(heat: np.ndarray) -> np.ndarray:
    """Return each pixel's place in the order, (*space) int."""
    place = np.empty(heat.size, np.int64)
    place[order(heat)] = np.arange(heat.size)
    return place.reshape(heat.shape)


def curve(case: Case, start: np.ndarray, end: np.ndarray, steps: int) -> tuple[float, np.ndarray]:
    """Return the area under the probability while pixels of `start` are replaced by those of `end`.

    Args:
        case: asked for probabilities.
        start: (*space, C) the first version.
        end: (*space, C) the last.
        steps: between them.

    Returns:
        The trapezoid over the true share of pixels replaced, and the (steps + 1,) curve.
    """
    place, taken = ranks(case.heat), counts(case.heat.size, steps)
    make: Callable[[np.ndarray], np.ndarray] = lambda indices: mixed(start, end, place, taken[indices])  # noqa: E731
    found = case.scores(make, len(taken))
    share = np.diff(taken / case.heat.size)
    return float((share * (found[1:] + found[:-1]) / 2).sum()), found
