"""Theorems that tie the methods together, in float64 to 1e-10 on evidence in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.reference import weights_in

import visioncam
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.testing import ArrayNet
from visioncam_methods.cam.smoothgradcamplusplus import SmoothGradCAMPlusPlus

METHODS = {spec.name: spec.cls for spec in visioncam.methods() if spec.in_all}
CAM = ("gradcam", "hirescam", "xgradcam", "respondcam")
SUMMING = ("hirescam", "xgradcam", "respondcam")
GRIDS = [(7,), (3, 5), (2, 3, 4)]
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def run(method: str, evidence: Evidence, **options: Any) -> np.ndarray:
    raw: np.ndarray = METHODS[method](**options)(evidence)
    assert raw.dtype == np.float64
    assert np.abs(raw).max() > 0
    return raw


def summed(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1).sum(axis=1)


# one dense layer behind the activations


@pytest.mark.parametrize("grid", GRIDS)
def test_on_gap_and_dense_four_methods_are_cam(grid: tuple[int, ...], rng: np.random.Generator) -> None:
    A, W, b = rng.random((2, *grid, 4)), rng.normal(size=4), 0.7
    Z = np.prod(grid)
    S = summed(A @ W) / Z + b
    evidence = Evidence.from_arrays(A, np.broadcast_to(W / Z, A.shape), S)
    for method in CAM:
        raw = run(method, evidence)
        np.testing.assert_allclose(raw, A @ W / Z, **CLOSE)
        np.testing.assert_allclose(summed(raw), S - b, **CLOSE)


@pytest.mark.parametrize("grid", GRIDS)
def test_on_gap_and_dense_the_weights_are_closed_forms(
    grid: tuple[int, ...], rng: np.random.Generator
) -> None:
    A, W = rng.random((1, *grid, 3)), np.array([1.5, -2.0, 0.5])
    Z, m = np.prod(grid), A.reshape(-1, 3).mean(axis=0)

    def tail(changed: np.ndarray) -> np.ndarray:
        return changed.reshape(len(changed), -1, 3).mean(axis=1) @ W

    evidence = Evidence.from_arrays(A, np.broadcast_to(W / Z, A.shape), tail(A), score_activations=tail)
    plusplus = weights_in(run("gradcamplusplus", evidence), A)
    np.testing.assert_allclose(plusplus, np.maximum(W, 0) / (2 + W * m), **CLOSE)
    ablation = weights_in(run("ablationcam", evidence), A)
    np.testing.assert_allclose(ablation, W * m / abs(tail(A)[0]), **CLOSE)


@pytest.mark.parametrize("grid", GRIDS)
def test_on_flatten_and_dense_hirescam_is_the_contribution(
    grid: tuple[int, ...], rng: np.random.Generator
) -> None:
    A, W, b = rng.normal(size=(1, *grid, 3)), rng.normal(size=(*grid, 3)), -0.4
    raw = run("hirescam", Evidence.from_arrays(A, W[None], np.array([(A * W).sum() + b])))
    for p in np.ndindex(grid):
        without = A.copy()
        without[(0, *p)] = 0
        np.testing.assert_allclose(raw[(0, *p)], (A * W).sum() - (without * W).sum(), **CLOSE)
    np.testing.assert_allclose(raw.sum(), (A * W).sum(), **CLOSE)


# sums


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("grid", GRIDS)
def test_three_maps_sum_to_the_score_less_what_the_biases_gave(
    grid: tuple[int, ...], biases: bool, signed: bool
) -> None:
    net = ArrayNet.random(grid, biases=biases, signed=signed, seed=4)
    x = net.pictures(3)
    A, G, S = net.at(x)
    on = A @ net.V + net.c > 0
    given = summed(net.q[..., None] * on * net.r * net.c) if biases else np.zeros(3)
    for method in SUMMING:
        raw = run(method, net.evidence(x))
        np.testing.assert_allclose(summed(raw), summed(G * A), **CLOSE)
        np.testing.assert_allclose(summed(raw), S - given, **CLOSE)


@pytest.mark.parametrize("grid", GRIDS)
def test_hirescam_exceeds_gradcam_by_covariances(grid: tuple[int, ...]) -> None:
    net = ArrayNet.random(grid, biases=True)
    x = net.pictures(2)
    A, G = (part.reshape(2, -1, part.shape[-1]) for part in net.at(x)[:2])
    Z = A.shape[1]
    covariance = ((A - A.mean(1, keepdims=True)) * (G - G.mean(1, keepdims=True))).mean(1).sum(-1)
    gap = summed(run("hirescam", net.evidence(x))) - summed(run("gradcam", net.evidence(x)))
    assert np.abs(gap).min() > 1e-3
    np.testing.assert_allclose(gap, Z * covariance, **CLOSE)


# element-wise


def test_element_wise_grad_cam_is_layer_cam_where_nothing_is_negative_and_above_hirescam() -> None:
    net = ArrayNet.random()
    A, G, _ = net.at(net.pictures(3))
    raw = run("gradcamelementwise", Evidence.from_arrays(A, G))
    np.testing.assert_allclose(raw, (np.maximum(G, 0) * A).sum(-1), **CLOSE)
    above = raw - np.maximum(run("hirescam", Evidence.from_arrays(A, G)), 0)
    assert above.min() >= 0
    assert above.max() > 0


# Grad-CAM++ and its smooth kin


def test_without_noise_smooth_grad_cam_plus_plus_is_grad_cam_plus_plus() -> None:
    net = ArrayNet.random(biases=True, signed=True)
    evidence = net.evidence(net.pictures(2))
    wanted = run("gradcamplusplus", evidence)
    for n in (1, 2, 25):
        np.testing.assert_allclose(run("smoothgradcamplusplus", evidence, n=n, sigma=0), wanted, **CLOSE)


def test_the_seed_decides_the_noise() -> None:
    net = ArrayNet.random(biases=True)
    x = net.pictures(1)
    first, again, other = (run("smoothgradcamplusplus", net.evidence(x, seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3 * np.abs(first).max()


def test_noisy_copies_in_one_batch_are_as_many_runs() -> None:
    net = ArrayNet.random(biases=True)
    x = net.pictures(1)
    together = net.evidence(x)

    def one_by_one(pictures: np.ndarray) -> Any:
        parts = [net.at(picture[None]) for picture in pictures]
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    A, _, S = net.at(x)
    apart = Evidence.from_arrays(A, None, S, inputs=x, at=one_by_one)
    np.testing.assert_allclose(SmoothGradCAMPlusPlus()(apart), SmoothGradCAMPlusPlus()(together), **CLOSE)


def test_the_noise_grows_with_the_range_of_each_picture() -> None:
    net = ArrayNet.random()
    seen: list[np.ndarray] = []

    def at(pictures: np.ndarray) -> Any:
        seen.append(pictures)
        return net.at(pictures)

    x = net.pictures(2) * np.array([1.0, 10.0]).reshape(2, 1, 1, 1)
    A, _, S = net.at(x)
    SmoothGradCAMPlusPlus(n=200)(Evidence.from_arrays(A, None, S, inputs=x, at=at))
    for picture, copies in zip(x, seen, strict=True):
        assert len(copies) == 200
        assert (copies - picture).std() == pytest.approx(0.15 * (picture.max() - picture.min()), rel=0.02)


@pytest.mark.parametrize("method", ["gradcamplusplus", "smoothgradcamplusplus"])
def test_denominators_that_are_not_positive_count_for_nothing(method: str) -> None:
    A = np.array([[[-3.0, 1.0], [-1.0, 1.0]]])  # channel sums −4 and 2
    G = np.array([[[0.5, 1.0], [1.0, -1.0]]])  # denominators 0, −2 and 4, 0
    evidence = Evidence.from_arrays(A, G, inputs=np.zeros((1, 2, 1)), at=lambda x: (A, G, np.zeros(1)))
    raw = METHODS[method](**({"n": 1, "sigma": 0} if method.startswith("smooth") else {}))(evidence)
    np.testing.assert_allclose(raw, [[0.25, 0.25]], **CLOSE)
