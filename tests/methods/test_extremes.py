"""Nothing but finite numbers: large logits, dead channels, blank maps, evidence against, half precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core.errors import LayerError, PluginError
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.testing import ArrayNet
from visioncam_engines.tensorflow.testing import keras_models as models

METHODS = {spec.name: spec.cls for spec in visioncam.methods() if spec.in_all}
GRADIENT = tuple(name for name in METHODS if name not in ("scorecam", "ablationcam"))
SIGNED = ("gradcamplusplus", "smoothgradcamplusplus", "xgradcam", "respondcam")


def codes(explanation: Any) -> set[str]:
    return {one.code for one in explanation.diagnostics}


def assert_sound(explanation: Any) -> None:
    for values in (explanation.raw, explanation.heatmap):
        assert np.all(np.isfinite(values)), explanation.method
    assert 0 <= explanation.heatmap.min() <= explanation.heatmap.max() <= 1


@pytest.mark.parametrize("activation", [None, "softmax"])
@pytest.mark.parametrize("size", [100.0, 1000.0])
def test_large_logits(size: float, activation: str | None, rng: np.random.Generator) -> None:
    x = rng.random((4, 5, 3), np.float32)
    W = np.array([[1.0, -1.0], [0.5, 0.2], [-0.2, 0.3]])
    W *= size / (x.mean(axis=(0, 1)) @ W[:, 0])
    model = models.gap_dense(W, grid=(4, 5), activation=activation)
    found = visioncam.compare(model, x, layer="features", target=0)
    assert len(found) == 9
    for one in found:
        assert one.score == pytest.approx(size, rel=1e-4)
        assert_sound(one)
        assert one.heatmap.max() == pytest.approx(1)


def test_dead_and_constant_channels(rng: np.random.Generator) -> None:
    W = rng.normal(size=(4, 5, 4, 2))
    x = rng.random((4, 5, 4), np.float32)
    x[..., 1], x[..., 3] = 0.0, 0.5
    for one in visioncam.compare(
        models.flatten_dense(W, grid=(4, 5), channels=4), x, layer="features", target=0
    ):
        assert_sound(one)
        assert one.raw.any()


def test_a_blank_picture_is_said_to_be_one() -> None:
    model = models.piecewise_linear(grid=(4, 6))
    for one in visioncam.compare(model, np.zeros((4, 6, 4), np.float32), layer="features", target=0):
        assert_sound(one)
        assert not one.raw.any()
        assert {"dead-layer", "no-positive-evidence"} <= codes(one)


def test_a_constant_picture(rng: np.random.Generator) -> None:
    model = models.piecewise_linear(grid=(4, 6), biases=True)
    for one in visioncam.compare(model, np.full((4, 6, 4), 0.5, np.float32), layer="features", target=0):
        assert_sound(one)
        if one.method == "scorecam":  # no channel varies, so none has a mask
            assert not one.raw.any()
            assert "no-positive-evidence" in codes(one)


@pytest.mark.parametrize("method", METHODS)
def test_evidence_against_alone_gives_a_blank_map_and_a_word(method: str, rng: np.random.Generator) -> None:
    """Element-wise Grad-CAM and Grad-CAM++ are zero; the others are negative, for evidence="against"."""
    x = rng.random((4, 5, 2), np.float32) + 0.1
    model = models.gap_dense([[-1.0, 1.0], [-2.0, 2.0]], grid=(4, 5))
    one = visioncam.explain(model, x, method, layer="features", target=0)
    assert_sound(one)
    if method == "scorecam":  # a softmax of bad scores: weights are positive by definition
        assert one.raw.min() > 0
        return
    assert one.raw.max() <= 0
    assert not one.heatmap.any()
    assert "no-positive-evidence" in codes(one)
    if method in ("gradcam", "hirescam", "xgradcam", "respondcam", "ablationcam"):
        against = visioncam.explain(model, x, method, layer="features", target=0, evidence="against")
        assert against.heatmap.max() == pytest.approx(1)


@pytest.mark.parametrize("method", GRADIENT)
def test_a_gradient_that_is_zero(method: str, rng: np.random.Generator) -> None:
    """Every unit after the layer is off: the score does not move."""
    x = rng.random((4, 5, 2), np.float32)
    model = models.piecewise_linear(grid=(4, 6), channels=2, biases=True)
    kernel, bias = model.get_layer("hidden").get_weights()
    model.get_layer("hidden").set_weights([kernel, bias - 1e3])
    one = visioncam.explain(model, np.pad(x, ((0, 0), (0, 1), (0, 0))), method, layer="features", target=0)
    assert not one.raw.any()
    assert "no-positive-evidence" in codes(one)
    if "gradients" in METHODS[method].needs:
        assert "zero-gradient" in codes(one)


def test_signed_activations_are_said_to_be_so_where_it_matters(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 6, 4)).astype(np.float32)
    for one in visioncam.compare(models.piecewise_linear(grid=(4, 6)), x, layer="features", target=0):
        assert_sound(one)
        assert ("signed-activations" in codes(one)) == (one.method in SIGNED), one.method


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "smoothgradcamplusplus", "ablationcam"])
def test_a_layer_the_score_does_not_depend_on_is_refused_by_name(method: str) -> None:
    import keras

    inputs = keras.Input((6, 6, 3))
    used = keras.layers.Conv2D(4, 3, name="used")(inputs)
    unused = keras.layers.Conv2D(4, 3, name="unused")(inputs)
    heads = [keras.layers.GlobalAveragePooling2D(name=name)(y) for name, y in (("a", used), ("b", unused))]
    model = keras.Model(inputs, heads)
    with pytest.raises(LayerError, match="output 'a' does not depend on layer 'unused'"):
        visioncam.explain(model, np.ones((6, 6, 3), np.float32), method, layer="unused", target=1)


def test_a_method_without_the_gradients_it_reads_is_told_what_to_declare() -> None:
    net = ArrayNet.random()
    with pytest.raises(PluginError, match=r"needs = frozenset\(\{'activations', 'gradients'\}\)"):
        METHODS["gradcam"]()(net.evidence(net.pictures(1), gradients=False))


@pytest.mark.parametrize("method", METHODS)
def test_half_precision_evidence_agrees_with_single(method: str) -> None:
    """Sums of 144 activations near 1000 and cubes of gradients near 1e-3 both leave float16."""
    net = ArrayNet.random((12, 12), channels=4, seed=2)
    x = net.pictures(1)
    net = ArrayNet(net.E * 1000, net.V / 1e3, net.r, net.q)
    half = [part.astype(np.float16) for part in net.at(x)]
    single = [part.astype(np.float32) for part in half]
    assert half[0].sum(axis=(1, 2), dtype=np.float64).max() > 65_504

    def evidence(parts: list[np.ndarray]) -> Evidence:
        A, G, S = parts
        scorers = {"score_inputs": net.score, "score_activations": net.tail, "at": lambda x: parts}
        return Evidence.from_arrays(A, G, S, inputs=x, **scorers)

    raws = [METHODS[method]()(evidence(parts)) for parts in (half, single)]
    assert np.all(np.isfinite(raws[0]))
    size = np.abs(raws[1]).max()
    assert size > 0
    np.testing.assert_allclose(raws[0], raws[1], rtol=0, atol=2e-3 * size)


def test_mixed_precision_models(rng: np.random.Generator) -> None:
    import keras

    x = rng.random((6, 8, 4), np.float32)
    single = models.piecewise_linear(biases=True)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = models.piecewise_linear(biases=True)
    finally:
        keras.config.set_dtype_policy("float32")
    half.set_weights(single.get_weights())
    assert half.get_layer("conv").compute_dtype == "float16"
    for a, b in zip(
        *(visioncam.compare(m, x, layer="features", target=0) for m in (half, single)), strict=True
    ):
        assert_sound(a)
        assert np.corrcoef(a.raw.ravel(), b.raw.ravel())[0, 1] > 0.99, a.method
