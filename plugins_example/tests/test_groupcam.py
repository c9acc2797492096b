"""Group-CAM by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from example_plugins.groupcam import GroupCAM

from visioncam_core.evidence import Evidence

A = np.array([[[[1.0, 0.0, 2.0, 1.0], [3.0, 1.0, 0.0, 0.0]], [[0.0, 4.0, 1.0, 0.0], [0.0, 0.0, 0.0, 5.0]]]])
G = np.broadcast_to(np.array([1.0, 0.5, -1.0, 2.0]), A.shape)
X = np.arange(16.0).reshape(1, 4, 4, 1)
FIRST = np.array([[1.0, 3.5], [2.0, 0.0]])  # of channels 0 and 1, each with its weight
SECOND = np.array([[0.0, 0.0], [0.0, 10.0]])  # of channels 2 and 3, without what is negative


def evidence(score: Any = lambda x: x[:, :2].sum(axis=(1, 2, 3))) -> Evidence:
    return Evidence.from_arrays(A, G, inputs=X, score_inputs=score)


def test_masks_of_groups() -> None:
    first, second, empty = GroupCAM(groups=2, theta=0).masks(A, G)
    np.testing.assert_allclose(first, FIRST / 3.5)
    np.testing.assert_allclose(second, SECOND / 10)
    assert not empty.any()


def test_what_is_weak_is_left_out() -> None:
    (first, *_) = GroupCAM(groups=2, theta=70).masks(A, G)
    np.testing.assert_allclose(first, [[0, 1], [0, 0]])


def test_a_group_is_weighted_by_what_the_model_says_through_its_mask() -> None:
    method = GroupCAM(groups=2, theta=0, hidden="zero")
    for scores in (lambda x: x[:, 0, 0, 0], lambda x: x[:, 3, 3, 0]):
        raw = method(evidence(scores))
        at = scores(X)[0]
        through = [at * (FIRST[0, 0] / 3.5 if at == 0 else 0.0), 0.0 if at == 0 else at]
        np.testing.assert_allclose(raw[0], through[0] * FIRST / 3.5 + through[1] * SECOND / 10, atol=1e-6)


def test_what_looks_like_the_background_counts_for_nothing() -> None:
    raw = GroupCAM(hidden="zero")(evidence(lambda x: np.full(len(x), 7.0)))
    np.testing.assert_array_equal(raw, np.zeros((1, 2, 2)))


def test_a_pass_for_each_group_with_a_mask_and_one_for_the_background() -> None:
    seen: list[int] = []

    def score(x: np.ndarray) -> np.ndarray:
        seen.append(len(x))
        return x.sum(axis=(1, 2, 3))

    GroupCAM()(evidence(score))  # 4 channels, one of them with a negative weight
    assert sum(seen) == 4


def test_the_measure_asks_for_probability_or_score() -> None:
    import keras

    import visioncam
    from visioncam_core.testing.models import gap_dense

    keras.utils.set_random_seed(0)
    weights = np.array([[1.0, -1.0], [0.5, 0.25], [-0.5, 2.0]], np.float32)
    model = gap_dense(weights, grid=(2, 3), activation="softmax")
    x = np.random.default_rng(0).uniform(size=(2, 3, 3)).astype(np.float32)
    maps = []
    for measure in ("probability", "score"):
        method = GroupCAM(measure=measure, hidden="zero", theta=0)
        found = visioncam.explain(model, x, method, target=1, layer="features")
        masks = method.masks(x[None], np.broadcast_to(weights[:, 1] / 6, (1, *x.shape)))
        logits = (x * masks[..., None]).mean(axis=(1, 2)) @ weights
        chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
        S = (chances if measure == "probability" else logits)[:, 1]
        np.testing.assert_allclose(found.raw, np.tensordot(S - S[-1], masks, 1), atol=1e-6)
        maps.append(found.raw)
    assert not np.allclose(*maps)


@pytest.mark.parametrize("groups", [1, 3, 100])
def test_any_number_of_groups(groups: int) -> None:
    assert len(GroupCAM(groups=groups, theta=0).masks(A, G)) - 1 <= min(groups, 4)
