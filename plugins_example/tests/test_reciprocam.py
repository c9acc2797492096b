"""ReciproCAM by hand."""

from __future__ import annotations

import numpy as np
import pytest
from example_plugins.reciprocam import ReciproCAM

from visioncam_core.evidence import Evidence

WEIGHTS = np.array([[3.0, 0.0, -1.0], [0.0, 2.0, 1.0]])


def score(A: np.ndarray) -> np.ndarray:
    """A model whose score is each position's only channel, weighted."""
    return (A[..., 0] * WEIGHTS).sum(axis=(1, 2))


def evidence() -> Evidence:
    return Evidence.from_arrays(np.ones((1, 2, 3, 1)), score_activations=score)


def test_each_position_alone() -> None:
    np.testing.assert_allclose(ReciproCAM()(evidence())[0], WEIGHTS + 1)  # the least of them is -1


def test_blur_is_the_authors_filter() -> None:
    filtered = np.zeros((2, 3))
    kernel = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    for i, j in np.ndindex(2, 3):
        for y, x in np.ndindex(3, 3):
            if 0 <= i + y - 1 < 2 and 0 <= j + x - 1 < 3:
                filtered[i, j] += kernel[y, x] * WEIGHTS[i + y - 1, j + x - 1]
    M = ReciproCAM(mask="blur")(evidence())[0]
    np.testing.assert_allclose(M, filtered - filtered.min(), atol=1e-6)


@pytest.mark.parametrize("grid", [(5,), (2, 3), (2, 3, 4)])
def test_masks_are_one_position(grid: tuple[int, ...]) -> None:
    count = int(np.prod(grid))
    masks = ReciproCAM()._masks(np.arange(count), grid)
    np.testing.assert_array_equal(masks.reshape(count, count), np.eye(count))


def test_the_measure_asks_for_probability_or_score() -> None:
    import keras

    import visioncam
    from visioncam_core.testing.models import gap_dense

    keras.utils.set_random_seed(0)
    weights = np.array([[1.0, -1.0], [0.5, 0.25], [-0.5, 2.0]], np.float32)
    model = gap_dense(weights, grid=(2, 3), activation="softmax")
    x = np.random.default_rng(0).uniform(size=(2, 3, 3)).astype(np.float32)
    logits = x @ weights / 6  # of each position alone
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    for options, expected in (({}, chances), ({"measure": "score"}, logits)):
        raw = visioncam.explain(model, x, method="reciprocam", target=1, layer="features", **options).raw
        np.testing.assert_allclose(raw, (expected - expected.min(axis=(0, 1)))[..., 1], atol=1e-6)
