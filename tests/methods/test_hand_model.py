"""Two models worked out by hand: every method, both layers, to 1e-5."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core import ops
from visioncam_core.pipeline.evidence import Evidence
from visioncam_engines.tensorflow.testing import keras_models as models

# captum's net (models.hand_model): activations of the two layers, channel by channel
CONV1 = np.array([[[-5.0, 4.0], [31.0, 40.0]], [[-30.0, -21.0], [6.0, 15.0]]])
RELU1 = np.array([[[0.0, 4.0], [31.0, 40.0]], [[0.0, 0.0], [6.0, 15.0]]])
LAYERS = {"conv1": CONV1, "relu1": RELU1}
SCORE = 54.0

MAPS = {
    ("gradcam", "conv1"): [[11.25, 13.5], [20.25, 22.5]],
    ("gradcam", "relu1"): [[0, 4], [28, 32.5]],
    ("hirescam", "conv1"): [[0, 4], [25, 25]],
    ("hirescam", "relu1"): [[0, 4], [25, 25]],
    ("gradcamelementwise", "conv1"): [[0, 4], [31, 40]],
    ("gradcamelementwise", "relu1"): [[0, 4], [31, 40]],
    ("xgradcam", "relu1"): [[0, 4], [25, 25]],
    ("respondcam", "relu1"): [[0, 4], [25, 25]],
}
WEIGHTS = {
    ("gradcam", "conv1"): [0.75, -0.5],
    ("xgradcam", "conv1"): [75 / 70, 0.7],
    ("respondcam", "conv1"): [75 / 70, 0.7],
    ("xgradcam", "relu1"): [1, -1],
    ("respondcam", "relu1"): [1, -1],
    ("gradcamplusplus", "conv1"): [1 / 24, 0],
    ("gradcamplusplus", "relu1"): [4 / 77, 1 / 23],
    ("smoothgradcamplusplus", "conv1"): [1 / 24, 0],
    ("smoothgradcamplusplus", "relu1"): [4 / 77, 1 / 23],
    ("ablationcam", "conv1"): [75 / 54, -21 / 54],
    ("ablationcam", "relu1"): [75 / 54, -21 / 54],
    ("scorecam", "conv1"): [0.5, 0.5],
}
# logits of the picture seen through each channel; half-pixel bilinear masks, min-max
MASKED = {"conv1": np.array([23.9, 23.9]), "relu1": np.array([20.2, 6.1])}


@lru_cache
def maps(layer: str, scale: float = 1.0) -> dict[str, np.ndarray]:
    options = {"sigma": 0, "n": 3}
    picture = models.hand_picture()[0]
    found = visioncam.compare(models.hand_model(scale), picture, layer=layer, target=2, **options)
    assert not found.failures
    assert all(one.score == pytest.approx(scale * SCORE, rel=1e-6) for one in found)
    return {one.method: one.raw for one in found}


def weighed(weights: Any, channels: np.ndarray) -> np.ndarray:
    return np.tensordot(np.asarray(weights, float), channels, axes=1)


def softmax(values: np.ndarray) -> np.ndarray:
    powers: np.ndarray = np.exp(values - values.max())
    return powers / powers.sum()


@pytest.mark.parametrize(("method", "layer"), MAPS)
def test_raw_maps(method: str, layer: str) -> None:
    np.testing.assert_allclose(maps(layer)[method], MAPS[method, layer], atol=1e-5)


@pytest.mark.parametrize(("method", "layer"), WEIGHTS)
def test_weights(method: str, layer: str) -> None:
    raw, channels = maps(layer)[method], LAYERS[layer]
    np.testing.assert_allclose(raw, weighed(WEIGHTS[method, layer], channels), atol=1e-5)
    found = np.linalg.lstsq(channels.reshape(2, -1).T, raw.ravel().astype(float), rcond=None)[0]
    np.testing.assert_allclose(found, WEIGHTS[method, layer], atol=1e-5)


def test_every_method_is_worked_out_at_both_layers() -> None:
    covered = {*MAPS, *WEIGHTS, ("scorecam", "relu1")}
    assert covered == {(spec.name, layer) for spec in visioncam.methods() if spec.in_all for layer in LAYERS}


@pytest.mark.parametrize("method", ["hirescam", "xgradcam", "respondcam"])
@pytest.mark.parametrize("layer", LAYERS)
def test_maps_that_sum_to_the_score(method: str, layer: str) -> None:
    assert maps(layer)[method].sum() == pytest.approx(SCORE, abs=1e-5)


@pytest.mark.parametrize("scale", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("layer", LAYERS)
def test_score_cam_weights_are_the_softmax_of_the_masked_logits(layer: str, scale: float) -> None:
    """The logits 20.2 and 6.1 are too far apart to tell a softmax from a switch; a tenth of them is not."""
    expected = weighed(softmax(scale * MASKED[layer]), LAYERS[layer])
    np.testing.assert_allclose(maps(layer, scale)["scorecam"], expected, atol=1e-5)


class LogitWeighted:
    """Score-CAM before its softmax: the masked pictures' logits themselves are the weights."""

    def __call__(self, evidence: Evidence) -> Any:
        A, x = evidence.activations, evidence.inputs
        H = ops.unit_range(ops.resize(ops.channels(A, np.arange(2)), x.shape[1:-1]))
        return ops.weigh(A, evidence.score_inputs(lambda ks: x * H[ks][..., None], 2)[None])


@pytest.mark.parametrize("layer", LAYERS)
def test_the_logits_of_the_masked_pictures(layer: str) -> None:
    found = visioncam.explain(models.hand_model(), models.hand_picture()[0], LogitWeighted(), layer=layer)
    np.testing.assert_allclose(found.raw, weighed(MASKED[layer], LAYERS[layer]), rtol=1e-6)
    if layer == "relu1":
        np.testing.assert_allclose(found.raw, [[0, 80.8], [662.8, 899.5]], rtol=1e-6)


# a second net, worked out by hand: an activation sum and a gradient that are negative

A2 = np.array([[[[-3.0, 2.0], [1.0, 1.0]]]], np.float32)  # one row of two positions, two channels
G2 = np.array([[[-1.0, 1.0], [0.5, -1.0]]], np.float32)  # channel sums of A: −2 and 3
SIGNED = {
    "gradcam": [[0.75, -0.25]],  # weights −1/4, 0
    "hirescam": [[5.0, -0.5]],
    "gradcamelementwise": [[5.0, 0.5]],
    "xgradcam": [[71 / 12, -17 / 12]],  # weights −7/4, 1/3
    "respondcam": [[71 / 12, -17 / 12]],
    "gradcamplusplus": [[-1.1, 0.7]],  # weights 1/2 / (2 − 1) = 1/2, 1 / (2 + 3) = 1/5
    "smoothgradcamplusplus": [[-1.1, 0.7]],
    "ablationcam": [[-17 / 9, 1.0]],  # drops 7/2 and 1 of 9/2
}


@pytest.fixture(scope="module")
def signed() -> dict[str, np.ndarray]:
    model = models.flatten_dense(np.stack([G2, -G2], axis=-1), grid=(1, 2), channels=2)
    found = visioncam.compare(model, A2[0], layer="features", target=0, sigma=0)
    assert [one.score for one in found] == pytest.approx([4.5] * 9)
    return {one.method: one.raw for one in found}


@pytest.mark.parametrize("method", SIGNED)
def test_negative_sums_and_gradients(signed: dict[str, np.ndarray], method: str) -> None:
    np.testing.assert_allclose(signed[method], SIGNED[method], atol=1e-5)


def test_score_cam_on_negative_sums(signed: dict[str, np.ndarray]) -> None:
    # masks [0, 1] and [1, 0]: the picture keeps (1, 1) at the second or (−3, 2) at the first position
    w = softmax(np.array([0.5 * 1 - 1 * 1, -1 * -3 + 1 * 2]))
    np.testing.assert_allclose(signed["scorecam"], weighed(w, A2[0].transpose(2, 0, 1)), atol=1e-5)
