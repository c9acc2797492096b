"""Cases made of arrays and plain functions, so that a metric is tested without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from visioncam_core.metrics.case import Case, Questions


def case_of(
    x: Any,
    heat: Any,
    score: Callable[[np.ndarray], np.ndarray] | None = None,
    *,
    batch: int = 3,
    **rest: Any,
) -> Case:
    """Return a case whose probability is `score` of (b, *space, C) pictures, asked `batch` at a time."""
    x, heat = np.asarray(x, np.float32), np.asarray(heat, np.float32)
    x = x[..., None] if x.ndim == heat.ndim else x

    def scores(make: Any, count: int, which: str) -> np.ndarray:
        assert score is not None
        parts = [score(np.asarray(make(np.arange(i, min(i + batch, count))))) for i in range(0, count, batch)]
        found = np.concatenate(parts)
        return 1 - found if which == "remainder" else found

    clean = float("nan") if score is None else float(score(x[None])[0])
    questions = Questions(
        scores=None if score is None else scores,
        maps=rest.pop("maps", None),
        rival=rest.pop("rival", None),
        randomised=rest.pop("randomised", None),
        blank=rest.pop("blank", None),
    )
    settings = {"raw": heat, "probability": clean, "remainder": 1 - clean, "score": clean} | rest
    return Case(x=x, heat=heat, questions=questions, **settings)


def total(pictures: np.ndarray) -> np.ndarray:
    """Score a picture by the sum of its values."""
    return pictures.reshape(len(pictures), -1).sum(axis=1, dtype=np.float64)


def weighted(weights: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Score a one-channel picture by Σ w x."""
    return lambda pictures: pictures.reshape(len(pictures), -1).astype(np.float64) @ weights.ravel()


def answers(values: Sequence[float]) -> Callable[[np.ndarray], np.ndarray]:
    """Score the clean picture with the first value, any changed one with the second."""
    clean, masked = values
    seen: list[np.ndarray] = []

    def score(pictures: np.ndarray) -> np.ndarray:
        if not seen:
            seen.append(pictures[0].copy())
        same = [np.array_equal(one, seen[0]) for one in pictures]
        return np.where(same, clean, masked)

    return score
