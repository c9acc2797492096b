"""The same theorems through Keras models and the whole pipeline, in float32 to 1e-5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_engines.tensorflow.testing import keras_models as models

CAM = ("gradcam", "hirescam", "xgradcam", "respondcam")
SUMMING = ("hirescam", "xgradcam", "respondcam")
SCALED = ("gradcamplusplus", "smoothgradcamplusplus", "scorecam")
GRIDS = [(7,), (4, 5), (2, 3, 4)]
ALL = [spec.name for spec in visioncam.methods() if spec.in_all]


def maps(model: Any, x: np.ndarray, target: Any = 0, **options: Any) -> list[dict[str, np.ndarray]]:
    """Return the raw maps of a batch at the layer "features", by method."""
    rows = visioncam.compare(model, x, layer="features", target=target, **options)
    assert not any(row.failures for row in rows)
    return [{one.method: one.raw for one in row} for row in rows]


def scores(model: Any, x: np.ndarray, target: Any = 0) -> list[float]:
    return [one.score for one in visioncam.explain(model, x, layer="features", target=target)]


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float = 1e-5) -> None:
    """Compare to a share of the largest value; an empty comparison does not count."""
    size = np.abs(expected).max()
    assert size > 0
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * size)


def unit(raw: np.ndarray) -> np.ndarray:
    return raw / np.abs(raw).max()


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("grid", GRIDS)
def test_gap_and_dense(grid: tuple[int, ...], activation: str | None, rng: np.random.Generator) -> None:
    W, b = rng.normal(size=(3, 2)), np.array([0.5, -0.25])
    model = models.gap_dense(W, b, grid=grid, activation=activation)
    x = rng.random((2, *grid, 3), np.float32)
    Z = np.prod(grid)
    m = x.reshape(2, -1, 3).mean(axis=1)
    S = m @ W[:, 1] + b[1]
    np.testing.assert_allclose(scores(model, x, 1), S, rtol=1e-5)  # the logit, behind a softmax too
    for i, found in enumerate(maps(model, x, target=1)):
        for method in CAM:
            assert_close(found[method], x[i] @ W[:, 1] / Z)
            assert found[method].sum() == pytest.approx(S[i] - b[1], rel=1e-5)
        assert_close(found["gradcamplusplus"], x[i] @ (np.maximum(W[:, 1], 0) / (2 + W[:, 1] * m[i])))
        assert_close(found["ablationcam"], x[i] @ (W[:, 1] * m[i] / abs(S[i])))


@pytest.mark.parametrize("grid", GRIDS)
def test_flatten_and_dense(grid: tuple[int, ...], rng: np.random.Generator) -> None:
    W = rng.normal(size=(*grid, 3, 2))
    model = models.flatten_dense(W, [0.5, -0.5], grid=grid)
    x = rng.normal(size=(1, *grid, 3)).astype(np.float32)
    (found,) = maps(model, x)
    assert_close(found["hirescam"], (x[0] * W[..., 0]).sum(axis=-1))
    assert found["hirescam"].sum() == pytest.approx(scores(model, x)[0] - 0.5, abs=1e-5)


@pytest.mark.parametrize("grid", [(8,), (6, 8), (4, 4, 6)])
def test_a_piecewise_linear_tail_without_biases_is_summed_exactly(
    grid: tuple[int, ...], rng: np.random.Generator
) -> None:
    model = models.piecewise_linear(grid=grid, seed=3)
    x = rng.random((2, *grid, 4), np.float32)
    S = scores(model, x)
    for i, found in enumerate(maps(model, x)):
        for method in SUMMING:
            size = float(np.abs(found[method]).sum())
            assert found[method].sum() == pytest.approx(S[i], abs=1e-5 * size)


def test_with_biases_the_sums_lack_what_the_biases_gave(rng: np.random.Generator) -> None:
    """By the numbers: S − Σ (∂S/∂b)·b, the slopes found by moving each bias a little."""
    model = models.piecewise_linear(biases=True, seed=3)
    x = rng.random((1, 6, 8, 4), np.float32)
    (S,) = scores(model, x)
    (found,) = maps(model, x)
    given = 0.0
    for layer in model.layers:
        if layer.get_weights():
            kernel, bias = layer.get_weights()
            both = []
            for factor in (1.001, 0.999):
                layer.set_weights([kernel, bias * factor])
                both.append(float(np.asarray(model(x))[0, 0]))
            layer.set_weights([kernel, bias])
            given += (both[0] - both[1]) / 0.002
    assert abs(given) > 0.01
    for method in SUMMING:
        assert found[method].sum() == pytest.approx(S - given, abs=1e-3)


def test_ablation_cam_is_what_brute_force_finds(rng: np.random.Generator) -> None:
    model = models.piecewise_linear(biases=True, seed=1)
    x = rng.random((1, 6, 8, 4), np.float32)
    (found,) = maps(model, x, target=2)
    (S,) = scores(model, x, 2)
    w = []
    for k in range(4):
        without = x.copy()
        without[..., k] = 0  # the layer passes the picture on
        w.append((S - float(np.asarray(model(without))[0, 2])) / abs(S))
    assert_close(found["ablationcam"], x[0] @ np.array(w))


def test_score_cam_tells_classes_apart_behind_a_softmax(rng: np.random.Generator) -> None:
    """A softmax applied twice flattens the weights: the maps of two classes would be nearly the same."""
    W = np.array([[4.0, -4.0], [-4.0, 4.0], [0.5, 0.5]])
    model = models.gap_dense(W, grid=(4, 6), activation="softmax")
    x = rng.random((1, 4, 6, 3), np.float32)
    H = (x - x.min(axis=(1, 2))) / (x.max(axis=(1, 2)) - x.min(axis=(1, 2)))  # masks, at full size already
    logits = np.array([(x[0] * H[0, ..., k : k + 1]).mean(axis=(0, 1)) @ W for k in range(3)])
    for c in (0, 1):
        powers = np.exp(logits[:, c])
        (found,) = maps(model, x, target=c)
        assert_close(found["scorecam"], x[0] @ (powers / powers.sum()))
        probability = visioncam.explain(
            model, x[0], "scorecam", layer="features", target=c, weights="probability"
        )
        p = np.exp(logits[:, c]) / np.exp(logits).sum(axis=1)
        assert_close(probability.raw, x[0] @ p)
    first, second = (maps(model, x, target=c)[0]["scorecam"] for c in (0, 1))
    assert np.abs(unit(first) - unit(second)).max() > 0.1


@pytest.mark.parametrize("method", [name for name in ALL if name not in SCALED])
def test_logits_times_seven_plus_three(method: str, rng: np.random.Generator) -> None:
    """Of Ablation-CAM the offset changes the scale alone."""
    W, x = rng.normal(size=(4, 5, 3, 2)), rng.random((4, 5, 3), np.float32)
    plain, moved = (models.flatten_dense(f * W, [b, 0.0], grid=(4, 5)) for f, b in ((1, 0.0), (7, 3.0)))
    raw, other = (visioncam.explain(m, x, method, layer="features", target=0).raw for m in (plain, moved))
    assert_close(unit(other), unit(raw))


def test_permuted_channels_and_flipped_pictures(rng: np.random.Generator) -> None:
    W, x = rng.normal(size=(4, 5, 3, 2)), rng.random((1, 4, 5, 3), np.float32)
    order = [2, 0, 1]
    plain, permuted, flipped = (models.flatten_dense(w, grid=(4, 5)) for w in (W, W[:, :, order], W[:, ::-1]))
    (raw,), (other,) = maps(plain, x, sigma=0), maps(permuted, x[..., order], sigma=0)
    (mirrored,) = maps(flipped, x[:, :, ::-1].copy(), sigma=0)
    for method in ALL:
        assert_close(other[method], raw[method])
        assert_close(mirrored[method][:, ::-1], raw[method])


@pytest.mark.parametrize("grid", [(6,), (4, 6), (2, 4, 2)])
def test_a_batch_gives_what_single_pictures_give(grid: tuple[int, ...], rng: np.random.Generator) -> None:
    model = models.piecewise_linear(grid=grid, biases=True)
    x = rng.random((3, *grid, 4), np.float32) * np.array([1, 3, 0.2], np.float32).reshape(
        3, *[1] * len(grid), 1
    )
    targets = [2, 0, 1]
    batch = maps(model, x, target=targets)
    for i in range(3):
        (single,) = maps(model, x[i : i + 1], target=targets[i])
        for method in ALL:
            rounding = 1e-4 if method == "ablationcam" else 1e-5  # it takes the difference of near scores
            assert_close(batch[i][method], single[method], rounding)
