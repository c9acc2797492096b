"""Theorems of Score-CAM and Ablation-CAM, in float64 to 1e-10: what their weights are."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.reference import weights_in

from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.testing import ArrayNet
from visioncam_methods.cam.ablationcam import AblationCAM
from visioncam_methods.cam.scorecam import ScoreCAM

CLOSE = {"rtol": 1e-10, "atol": 1e-10}

# Score-CAM


def scored(A: np.ndarray, logits: np.ndarray) -> Evidence:
    """Return evidence for one-axis pictures whose masks score as given, in turn."""
    x = np.ones((1, *A.shape[1:-1], 1))
    return Evidence.from_arrays(A, inputs=x, score_inputs=lambda masked: logits[: len(masked)])


def test_score_cam_weights_are_a_softmax_over_channels(rng: np.random.Generator) -> None:
    A, logits = rng.random((1, 9, 4)), np.array([1.0, -0.5, 0.3, 2.0])
    w = weights_in(ScoreCAM()(scored(A, logits)), A)
    np.testing.assert_allclose(w, np.exp(logits) / np.exp(logits).sum(), **CLOSE)
    assert w.sum() == pytest.approx(1, abs=1e-10)
    w = weights_in(ScoreCAM(weights="probability")(scored(A, logits)), A)
    np.testing.assert_allclose(w, logits, **CLOSE)


def test_score_cam_gives_a_constant_channel_no_weight_and_the_others_all_of_it(
    rng: np.random.Generator,
) -> None:
    A, logits = rng.random((1, 9, 4)), np.array([1.0, -0.5, 0.3])
    A[..., 1] = 0.8
    w = weights_in(ScoreCAM()(scored(A, logits)), A)
    np.testing.assert_allclose(w[[0, 2, 3]], np.exp(logits) / np.exp(logits).sum(), **CLOSE)
    assert w[1] == pytest.approx(0, abs=1e-10)


def test_score_cam_gives_equal_channels_equal_weights() -> None:
    net = ArrayNet.random(channels=3, signed=True)
    x = net.pictures(1)
    V = net.V[[0, 1, 2, 2]] * [[1], [1], [0.5], [0.5]]
    twins = attrs.evolve(net, E=net.E[:, [0, 1, 2, 2]], V=V)  # the same function, one channel there twice
    w = weights_in(ScoreCAM()(net.evidence(x)), net.activations(x))
    both = weights_in(ScoreCAM()(twins.evidence(x)), net.activations(x))
    np.testing.assert_allclose(both, w * [1, 1, 2] / (w @ [1, 1, 2]), **CLOSE)


# Ablation-CAM


@pytest.mark.parametrize("offset", [0.0, -50.0])
def test_ablation_cam_keeps_its_sign_where_the_score_is_negative(offset: float) -> None:
    """A channel that speaks for the target gets a positive weight, whatever the sign of the score."""
    A = np.random.default_rng(0).random((1, 5, 2))

    def tail(changed: np.ndarray) -> np.ndarray:
        return changed.sum(axis=1) @ np.array([1.0, -1.0]) + offset

    w = weights_in(AblationCAM()(Evidence.from_arrays(A, None, tail(A), score_activations=tail)), A)
    np.testing.assert_allclose(w, A[0].sum(axis=0) * [1, -1] / abs(tail(A)[0]), **CLOSE)
    assert w[0] > 0 > w[1]


@pytest.mark.parametrize("score", [0.0, 1e-13])
def test_ablation_cam_at_a_score_of_zero_is_the_drop_itself(score: float) -> None:
    A = np.random.default_rng(0).random((1, 5, 2))
    drop = np.array([0.5, -0.25])
    evidence = Evidence.from_arrays(
        A, None, np.array([score]), score_activations=lambda changed: score - drop[: len(changed)]
    )
    np.testing.assert_allclose(weights_in(AblationCAM()(evidence), A), drop, **CLOSE)


@pytest.mark.parametrize("dead", [False, True])
def test_ablation_cam_divided_by_the_norm_of_the_channel(dead: bool) -> None:
    net = ArrayNet.random(channels=3, signed=True)
    x = net.pictures(1)
    A, _, S = net.at(x)
    without = np.repeat(A, 3, axis=0)
    for k in range(3):
        without[k, ..., k] = 0
    wanted = (S - net.tail(without)) / np.sqrt((A[0] ** 2).sum(axis=(0, 1)))
    if dead:  # a channel that is zero everywhere, in front of the others
        zero, row = np.zeros((3, 1)), np.ones((1, net.V.shape[1]))
        net = attrs.evolve(net, E=np.hstack([zero, net.E]), V=np.vstack([row, net.V]))
    raw = AblationCAM(normalize="activation")(net.evidence(x))
    np.testing.assert_allclose(weights_in(raw, A), wanted, **CLOSE)
