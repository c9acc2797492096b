"""The nine methods against plain loops written from the papers, on random nets of every rank."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import reference

import visioncam
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.testing import ArrayNet
from visioncam_engines.tensorflow.testing import keras_models as models
from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus

FROM_GRADIENTS = (
    "gradcam",
    "hirescam",
    "gradcamelementwise",
    "xgradcam",
    "respondcam",
    "gradcamplusplus",
)
METHODS = {spec.name: spec.cls for spec in visioncam.methods() if spec.in_all}
NETS = [((4, 6), 0, False), ((9,), 1, True), ((2, 3, 4), 2, False), ((5, 3), 3, True)]


def noise(shape: tuple[int, ...], n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, *shape), np.float32)


def expected(net: ArrayNet, x: np.ndarray, method: str) -> np.ndarray:
    """Return the reference's map of one picture (1, *space, C)."""
    (A,), (G,), _ = net.at(x)
    if method in FROM_GRADIENTS:
        return getattr(reference, method)(A, G)
    if method == "scorecam":
        return reference.scorecam(A, x[0], lambda picture: float(net.score(picture[None])[0]))
    if method == "ablationcam":
        return reference.ablationcam(A, lambda changed: float(net.tail(changed[None])[0]))
    copies = x + noise(x.shape[1:], 25, 0) * (0.15 * (x.max() - x.min()))
    return reference.smoothgradcamplusplus(A, list(net.at(copies)[1]))


def largest_gap(raw: Any, wanted: np.ndarray) -> float:
    assert raw.shape == wanted.shape
    assert np.abs(wanted).max() > 0
    return float(np.abs(raw - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("grid", "seed", "signed"), NETS)
def test_float64_to_1e_10(method: str, grid: tuple[int, ...], seed: int, signed: bool) -> None:
    net = ArrayNet.random(grid, channels=5, seed=seed, biases=True, signed=signed)
    x = net.pictures(2, seed)
    raw = METHODS[method]()(net.evidence(x))
    assert raw.dtype == np.float64
    for i in range(2):
        assert largest_gap(raw[i], expected(net, x[i : i + 1], method)) <= 1e-10


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("grid", "seed", "signed"), NETS[:3])
def test_float32_to_1e_5(method: str, grid: tuple[int, ...], seed: int, signed: bool) -> None:
    net = ArrayNet.random(grid, channels=5, seed=seed, biases=True, signed=signed)
    x = net.pictures(1, seed).astype(np.float32)
    A, G, S = (np.asarray(part, np.float32) for part in net.at(x))
    evidence = Evidence.from_arrays(
        A, G, S, inputs=x, score_inputs=net.score, score_activations=net.tail, at=net.at
    )
    raw = METHODS[method]()(evidence)
    assert largest_gap(raw[0], expected(net, x, method)) <= 1e-5


def test_the_smooth_reference_with_its_own_options() -> None:
    net = ArrayNet.random((3, 4), seed=7)
    x = net.pictures(1)
    (A,) = net.activations(x)
    copies = x + noise(x.shape[1:], 4, 11) * (0.3 * (x.max() - x.min()))
    raw = SmoothGradCAMPlusPlus(n=4, sigma=0.3)(net.evidence(x, seed=11))
    assert largest_gap(raw[0], reference.smoothgradcamplusplus(A, list(net.at(copies)[1]))) <= 1e-10


# through the engine, in Keras


@pytest.fixture(scope="module", params=[((6, 8), 0), ((10,), 1), ((4, 4, 6), 2)], ids=["2d", "1d", "3d"])
def keras_case(request: pytest.FixtureRequest) -> Any:
    """Return a random Keras net, a picture, its maps by all methods, and its tail and gradient."""
    import keras
    import tensorflow as tf

    grid, seed = request.param
    model = models.piecewise_linear(grid=grid, biases=True, seed=seed)
    x = np.random.default_rng(seed).random((1, *grid, 4), np.float32)
    found = visioncam.compare(model, x[0], layer="features", target=1)
    assert not found.failures
    tail = keras.Model(model.get_layer("features").output, model.output)
    watched = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(watched)
        score = tail(watched)[:, 1]
    gradient = tape.gradient(score, watched).numpy()

    def gradients(pictures: np.ndarray) -> list[np.ndarray]:
        points = tf.constant(pictures, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(points)
            score = tail(points)[:, 1]
        return list(tape.gradient(score, points).numpy().astype(float))

    def score_of(values: np.ndarray) -> float:
        return float(np.asarray(tail(values[None].astype(np.float32)))[0, 1])

    return found, x.astype(float), gradient.astype(float), gradients, score_of


@pytest.mark.parametrize("method", METHODS)
def test_keras_models_to_1e_5(keras_case: Any, method: str) -> None:
    found, x, G, gradients, score_of = keras_case
    A = x[0]  # the layer passes the picture on
    if method in FROM_GRADIENTS:
        wanted = getattr(reference, method)(A, G[0])
    elif method == "scorecam":
        wanted = reference.scorecam(A, x[0], score_of)
    elif method == "ablationcam":
        wanted = reference.ablationcam(A, score_of)
    else:
        copies = x + noise(x.shape[1:], 25, 0) * (0.15 * (x.max() - x.min()))
        wanted = reference.smoothgradcamplusplus(A, gradients(copies))
    assert largest_gap(found[method].raw, wanted) <= 1e-5
