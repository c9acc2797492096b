"""Rounding noise is never shown as a map: what a theorem makes zero is zero, and what is left says so.

Behind what takes a mean away over space (an instance norm, x − mean, a softmax over space) Σ_p G_pk = 0 for
every channel; where a norm over channels alone reads a layer, Σ_k G_pk A_pk = 0 at every position (Euler).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import tokens
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops as K  # noqa: N812

import visioncam
from visioncam_core import ops
from visioncam_core.pipeline.evidence import Evidence
from visioncam_methods.ablationcam import AblationCAM
from visioncam_methods.gradcam import GradCAM
from visioncam_methods.gradcamplusplus import GradCAMPlusPlus
from visioncam_methods.hirescam import HiResCAM
from visioncam_methods.respondcam import RespondCAM
from visioncam_methods.xgradcam import XGradCAM

RNG = np.random.default_rng(0)
X = RNG.random((3, 16, 16, 3), np.float32)
Step = Callable[[Any], Any]


class Does(L.Layer):
    """A layer of one function, as people write `Lambda`."""

    def __init__(self, function: Step, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


def centred(x: Any) -> Any:
    return x - K.mean(x, axis=tuple(range(1, len(x.shape) - 1)), keepdims=True)


def instance_norm(x: Any) -> Any:
    axes = tuple(range(1, len(x.shape) - 1))
    return centred(x) * K.rsqrt(K.var(x, axis=axes, keepdims=True) + 1e-5)


def space_softmax(x: Any) -> Any:
    return K.reshape(K.softmax(K.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3])), axis=1), K.shape(x))


def where_it_is(x: Any) -> Any:
    """Return the expected row and column of each channel: the soft argmax of pose networks."""
    place = np.stack(np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 16)), -1).astype(np.float32)
    return L.Flatten()(K.einsum("bhwc,hwd->bcd", Does(space_softmax)(x), place))


def attended(x: Any) -> Any:
    """Return features averaged by an attention map, whose logits are the layer "c"."""
    features = np.random.default_rng(1).random((16, 16, 8), np.float32)
    return L.Flatten()(K.sum(Does(space_softmax)(x) * features, axis=(1, 2)))


def pooled(x: Any) -> Any:
    return {3: L.GlobalAveragePooling1D, 4: L.GlobalAveragePooling2D, 5: L.GlobalAveragePooling3D}[
        len(x.shape)
    ]()(x)


def network(
    head: Step, activation: str | None = "relu", shape: tuple[int, ...] = (16, 16, 3), bias: str = "ones"
) -> keras.Model:
    keras.utils.set_random_seed(3)
    conv = {2: L.Conv1D, 3: L.Conv2D, 4: L.Conv3D}[len(shape)]
    i = L.Input(shape)
    x = conv(8, 3, padding="same", activation=activation, name="c")(i)
    return keras.Model(i, L.Dense(4, bias_initializer=bias)(head(x)))


def codes(found: Any) -> set[str]:
    return {one.code for one in found.diagnostics}


def told(found: Any, code: str) -> Any:
    return next(one for one in found.diagnostics if one.code == code)


MEAN_FREE: dict[str, tuple[Step, str | None]] = {
    "instance norm": (lambda x: pooled(L.ReLU()(Does(instance_norm)(x))), "relu"),
    "instance norm, flattened": (lambda x: L.Flatten()(L.ReLU()(Does(instance_norm)(x))), None),
    "group norm of one channel": (lambda x: pooled(K.gelu(L.GroupNormalization(-1)(x))), "relu"),
    "x − mean": (lambda x: pooled(L.ReLU()(Does(centred)(x))), None),
    "soft argmax": (where_it_is, None),
    "attention over space": (attended, "relu"),
    "log softmax over space": (lambda x: L.Flatten()(K.log(Does(space_softmax)(x))), None),
    "layer norm over space": (
        lambda x: pooled(L.ReLU()(L.LayerNormalization(axis=(1, 2), center=False, scale=False)(x))), "relu",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEAN_FREE)
def test_where_gradients_cancel_over_the_picture_grad_cam_is_blank_and_says_why(name: str) -> None:
    model = network(*MEAN_FREE[name])
    for x in (X[0], X[0] + np.float32(1e-6), X[1] * 3):
        e = visioncam.explain(model, x, layer="c")
        assert not e.raw.any()
        assert not e.heatmap.any()
        assert "terms-cancel" in codes(e)
        assert "no-positive-evidence" in codes(e)
    assert visioncam.explain(model, X[0], "hirescam", layer="c").raw.any()
    for e in visioncam.explain(model, X, layer="c"):
        assert not e.raw.any()


@pytest.mark.parametrize("shape", [(40, 2), (6, 8, 8, 1)])
def test_signals_and_volumes_are_no_other_case(shape: tuple[int, ...]) -> None:
    model = network(lambda x: pooled(L.ReLU()(Does(instance_norm)(x))), shape=shape)
    e = visioncam.explain(model, RNG.random(shape, np.float32), layer="c")
    assert not e.raw.any()
    assert "terms-cancel" in codes(e)


def test_a_norm_among_the_layers_is_offered() -> None:
    i = L.Input((16, 16, 3))
    x = L.GroupNormalization(-1, name="norm")(L.Conv2D(8, 3, name="c")(i))
    model = keras.Model(i, L.Dense(4)(pooled(L.ReLU()(x))))
    assert "layer='norm'" in told(visioncam.explain(model, X[0], layer="c"), "terms-cancel").fix
    e = visioncam.explain(model, X[0], layer="norm")
    assert "terms-cancel" not in codes(e)
    assert e.raw.any()
    assert "method='hirescam'" in visioncam.doctor(model, X[0], layer="c").suggestion


def test_channels_that_are_normalised_count_nothing_beside_others() -> None:
    """Half of the channels goes through an instance norm: the map is that of the others, by hand."""
    i = L.Input((16, 16, 4))
    x = L.Activation("linear", name="c")(i)
    both = K.concatenate([L.ReLU()(Does(instance_norm)(x[..., :2])), x[..., 2:]], -1)
    model = keras.Model(i, L.Dense(1)(pooled(both)))
    w = np.array([[70.0], [90.0], [2.0], [-1.0]], np.float32)
    model.set_weights([w, np.zeros(1, np.float32)])
    x = RNG.random((16, 16, 4), np.float32)
    e = visioncam.explain(model, x, layer="c", target=0)
    np.testing.assert_allclose(e.raw, (x[..., 2:] @ w[2:, 0]) / 256, rtol=1e-5, atol=1e-7)
    assert "terms-cancel" in codes(e)


@pytest.mark.parametrize("kind", [np.asarray, tf.constant], ids=["NumPy", "TensorFlow"])
def test_the_bound_of_a_sum(kind: Step) -> None:
    """A sum of 1e-5 of its terms is 0, twice as much is not; others are what they always were, to the bit."""
    half = RNG.uniform(1, 2, 500)
    terms = np.concatenate([half, -half])
    rows = [terms + share * np.abs(terms).mean() for share in (0.0, 9e-6, -9e-6, 2e-5, 0.1)]
    values = np.stack(rows, -1).reshape(1, 20, 50, 5).astype(np.float32)
    total = ops.to_numpy(ops.sum_space(kind(values)))[0]
    mean = ops.to_numpy(ops.mean_space(kind(values), keepdims=True))[0, 0, 0]
    assert not total[:3].any()
    assert not mean[:3].any()
    np.testing.assert_allclose(total[3:], [2e-5 * np.abs(terms).sum(), 0.1 * np.abs(terms).sum()], rtol=0.05)
    np.testing.assert_allclose(mean, total / 1000, rtol=1e-5)
    if kind is np.asarray:
        assert total[4] == values.sum(axis=(1, 2))[0, 4]
        assert mean[4] == values.mean(axis=(1, 2))[0, 4]


def test_sums_that_cancel_are_made_in_double_precision() -> None:
    """NumPy adds a million float32 one after the other, and is off by more than such a sum."""
    half = RNG.uniform(1, 2, 2**19).astype(np.float32)
    rows = [np.concatenate([half, -half]), np.concatenate([half, -half * np.float32(0.9999)])]
    values = np.stack(rows, -1).reshape(1, 1024, 1024, 2)
    exact = values.astype(np.float64).sum(axis=(1, 2))[0]
    assert exact[0] == 0
    plain = values.sum(axis=(1, 2))[0]
    assert abs(plain[0]) > 0 or abs(plain[1] / exact[1] - 1) > 0.01
    total = ops.sum_space(values)[0]
    assert total[0] == 0
    assert total[1] == pytest.approx(exact[1], rel=0.01)


def one_channel(share: float) -> np.ndarray:
    """Return (1, 2, 2, 1) activations whose sum is this share of their absolute sum."""
    return np.array([1 + share, -1 + share, 1 + share, -1 + share]).reshape(1, 2, 2, 1)


@pytest.mark.parametrize("method", [XGradCAM, RespondCAM])
def test_the_guard_of_sums_of_activations(method: type) -> None:
    G = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    assert not method()(Evidence.from_arrays(one_channel(5e-6), G)).any()
    A = one_channel(2e-5)
    np.testing.assert_allclose(
        method()(Evidence.from_arrays(A, G))[..., None], (G * A).sum() / A.sum() * A, rtol=1e-6
    )


@pytest.mark.parametrize("method", [XGradCAM, RespondCAM])
def test_a_sum_of_products_cancels_like_any_other(method: type) -> None:
    A = np.full((1, 2, 2, 1), 2.0)
    assert not method()(Evidence.from_arrays(A, one_channel(5e-6))).any()
    assert method()(Evidence.from_arrays(A, one_channel(2e-5))).any()


def test_grad_cam_plus_plus_takes_a_sum_of_activations_that_cancels_for_zero() -> None:
    """With Σ A = 0 every α is 1/2, however large the gradient is."""
    A, G = one_channel(5e-6).astype(np.float32), np.full((1, 2, 2, 1), 1e8, np.float32)
    np.testing.assert_allclose(GradCAMPlusPlus()(Evidence.from_arrays(A, G))[..., None], 2e8 * A, rtol=1e-6)


def test_scaling_the_gradients_does_not_matter() -> None:
    A, G = RNG.random((1, 4, 4, 3)), RNG.normal(size=(1, 4, 4, 3))
    for scale in (1e-30, 1e-6, 1e6):
        raw = GradCAM()(Evidence.from_arrays(A, G * scale))
        np.testing.assert_allclose(raw / scale, GradCAM()(Evidence.from_arrays(A, G)), rtol=1e-12)


NORMS: dict[str, tuple[Step, str | None]] = {
    "layer norm": (lambda x: pooled(L.LayerNormalization(epsilon=1e-6)(x)), "relu"),
    "layer norm, Keras' epsilon": (lambda x: pooled(L.LayerNormalization()(x)), None),
    "layer norm, flattened": (lambda x: L.Flatten()(L.LayerNormalization(epsilon=1e-6)(x)), None),
    "layer norm, then a convolution": (
        lambda x: pooled(L.Conv2D(8, 2, 2, activation="relu")(L.LayerNormalization(epsilon=1e-6)(x))), None,
    ),
    "unit norm": (lambda x: pooled(L.UnitNormalization()(x)), None),
    "RMS norm": (lambda x: pooled(L.RMSNormalization()(x)), None),
    "by hand": (lambda x: pooled(x * K.rsqrt(K.mean(x * x, axis=-1, keepdims=True))), None),
}  # fmt: skip


@pytest.mark.parametrize("name", NORMS)
def test_where_a_norm_over_channels_alone_reads_the_layer_hirescam_is_told(name: str) -> None:
    model = network(*NORMS[name])
    e = visioncam.explain(model, X[0], "hirescam", layer="c")
    fix = told(e, "terms-cancel").fix
    if name in ("layer norm", "unit norm", "RMS norm"):
        offered = fix.split("'")[1]
        assert "normalization" in offered
        again = visioncam.explain(model, X[0], "hirescam", layer=offered)
        assert "terms-cancel" not in codes(again)
        assert again.raw.any()
    assert "terms-cancel" not in codes(visioncam.explain(model, X[0], "gradcam", layer="c"))
    elementwise = visioncam.explain(model, X[0], "gradcamelementwise", layer="c")
    assert "terms-cancel" not in codes(elementwise)


def test_what_cancels_to_rounding_is_no_map() -> None:
    model = network(*NORMS["unit norm"])
    for x in (X[0], X[0] + np.float32(1e-6)):
        e = visioncam.explain(model, x, "hirescam", layer="c")
        assert not e.raw.any()
        assert "no-positive-evidence" in codes(e)


@pytest.mark.parametrize(
    ("build", "layer", "norm"),
    [
        (tokens.vit, "b1_add2", "ln_f"),
        (tokens.vit_keras_io, "b1_add2", "ln_f"),
        (tokens.swin, "stage2", "ln_f"),
        (tokens.vit_class_token, "b0_add2", "b1_ln1"),
    ],
)
def test_the_residual_stream_of_a_pre_norm_transformer(build: Any, layer: str, norm: str) -> None:
    model = build()
    e = visioncam.explain(model, tokens.VIEW[0], "hirescam", layer=layer)
    assert f"layer='{norm}'" in told(e, "terms-cancel").fix
    assert "terms-cancel" not in codes(visioncam.explain(model, tokens.VIEW[0], "hirescam", layer=norm))


def test_a_stream_that_goes_on_beside_the_norm_is_not_told() -> None:
    for build, layer in ((tokens.vit, "b1_add1"), (tokens.vit_keras_io, "b0_add2"), (tokens.swin, "stage1")):
        assert "terms-cancel" not in codes(
            visioncam.explain(build(), tokens.VIEW[0], "hirescam", layer=layer)
        )


def test_weights_and_activations_that_cancel_at_every_position() -> None:
    """A layer norm's output sums to 0 over channels: read by equal weights, it says nothing."""
    A = RNG.normal(size=(2, 5, 5, 64)).astype(np.float32)
    A[0] -= A[0].mean(axis=-1, keepdims=True)
    raw = GradCAM()(Evidence.from_arrays(A, np.full_like(A, 0.3)))
    assert not raw[0].any()
    np.testing.assert_allclose(raw[1], 0.3 * A[1].sum(axis=-1), rtol=1e-3, atol=1e-5)
    hires = HiResCAM()(Evidence.from_arrays(A, np.full_like(A, 0.3)))
    assert not hires[0].any()
    assert hires[1].any()


@pytest.mark.parametrize("head", [lambda x: pooled(x), lambda x: L.Dense(6, "relu")(L.Flatten()(x))])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_ordinary_networks_are_not_told(head: Step, activation: str | None) -> None:
    for e in visioncam.compare(network(head, activation), X[0], layer="c"):
        assert not codes(e) & {"terms-cancel", "constant-map", "faint-gradient", "batch-mixes"}, e.method


FAINT: dict[str, Step] = {
    "instance norm, pooled": lambda x: pooled(Does(instance_norm)(x)),
    "x − mean, pooled": lambda x: pooled(Does(centred)(x)),
    "softmax over space, pooled": lambda x: pooled(Does(space_softmax)(x)),
    "unit norm, summed squares": lambda x: K.sum(L.UnitNormalization()(x) ** 2, axis=(1, 2)) @ K.ones((8, 3)),
}


@pytest.mark.parametrize("name", FAINT)
def test_a_score_that_a_layer_cannot_move_is_told(name: str) -> None:
    """The pooled output is the same for every picture, so that each gradient is rounding."""
    model = network(FAINT[name])
    for method in ("gradcam", "hirescam", "xgradcam"):
        e = visioncam.explain(model, X[0], method, layer="c")
        assert codes(e) & {"faint-gradient", "zero-gradient", "terms-cancel"}, method
    assert not visioncam.explain(model, X[0], "ablationcam", layer="c").raw.any() or "unit" in name


def test_drops_of_the_score_that_are_its_own_rounding_are_no_weights() -> None:
    A = RNG.random((1, 3, 3, 5)).astype(np.float32)
    for size, blank in ((3e-7, True), (1e-4, False)):
        drops = RNG.uniform(-size, size, 5)
        evidence = Evidence.from_arrays(
            A, score=np.array([1.0]), score_activations=lambda changed, drops=drops: 1 - drops
        )
        assert AblationCAM()(evidence).any() != blank


def test_the_doctor_looks_at_a_picture_brighter_by_a_millionth() -> None:
    """Without biases there is no scale to compare a gradient with; but another map gives noise away."""
    model = network(FAINT["instance norm, pooled"], bias="zeros")
    assert "unsteady-map" in codes(visioncam.doctor(model, X[0], layer="c"))
    assert "unsteady-map" not in codes(visioncam.doctor(network(pooled), X[0], layer="c"))


def spread_out(x: Any) -> Any:
    return Does(lambda x: x * 0 + K.mean(x, axis=(1, 2), keepdims=True), name="flat")(x)


CONSTANT: dict[str, Step] = {
    "a mean spread out": lambda x: pooled(spread_out(x)),
    "upsampled": lambda x: pooled(L.UpSampling2D(16, name="flat")(L.AveragePooling2D(16)(x))),
    "a vector for every position": lambda x: pooled(
        L.Reshape((4, 4, 8), name="flat")(L.RepeatVector(16)(L.Dense(8, "relu")(pooled(x))))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANT)
def test_a_constant_map_is_told(name: str) -> None:
    model = network(CONSTANT[name])
    for evidence in ("for", "against", "signed"):
        found = [
            visioncam.explain(model, X[0], "gradcam", layer="flat", target=k, evidence=evidence)
            for k in range(4)
        ]
        assert all(codes(e) & {"constant-map", "no-positive-evidence"} for e in found)
        assert any("constant-map" in codes(e) for e in found)
    assert "constant-map" not in codes(visioncam.explain(model, X[0], "gradcam", layer="c"))


class Restless(L.Layer):
    """A batch norm that keeps to the statistics of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = L.BatchNormalization()

    def build(self, shape: Any) -> None:
        self.norm.build(shape)

    def call(self, x: Any) -> Any:
        return self.norm(x, training=True)


MIXED: dict[str, Step] = {
    "x − the batch's mean": lambda x: x - K.mean(x, axis=0, keepdims=True),
    "statistics of the batch": Restless(),
    "a share of the batch": lambda x: K.exp(x) / K.sum(K.exp(x), axis=0, keepdims=True),
    "the batch's maximum": lambda x: x / K.max(x),
    "the batch's norm": lambda x: x / K.sqrt(K.sum(x * x)),
    "the one before": lambda x: K.cumsum(x, axis=0),
    "the batch mirrored": lambda x: K.flip(x, axis=0),
}


@pytest.mark.parametrize("name", MIXED)
def test_pictures_that_influence_each_other_are_told(name: str) -> None:
    step = MIXED[name]
    model = network(lambda x: pooled(L.ReLU()((step if isinstance(step, L.Layer) else Does(step))(x))), None)
    for e in visioncam.explain(model, X, layer="c"):
        assert told(e, "batch-mixes").fix
    assert "batch-mixes" in codes(visioncam.explain(model, X[0], "scorecam", layer="c"))
    together = visioncam.explain(model, X, layer="c", batch_size=1)
    for e, x in zip(together, X, strict=True):
        assert "batch-mixes" not in codes(e)
        np.testing.assert_array_equal(e.raw, visioncam.explain(model, x, layer="c").raw)


def test_the_doctor_tries_a_batch() -> None:
    model = network(lambda x: pooled(L.ReLU()(Does(MIXED["x − the batch's mean"])(x))), None)
    assert "batch-mixes" in codes(visioncam.doctor(model, X[0], layer="c"))
    assert "batch-mixes" not in codes(visioncam.doctor(model, X[0], layer="c", batch_size=1))


def test_pictures_that_do_not_are_not_told() -> None:
    for step in (L.BatchNormalization(), L.LayerNormalization(), L.Dropout(0.5), L.ReLU()):
        model = network(lambda x, step=step: pooled(step(x)), None)
        for e in visioncam.explain(model, X, layer="c"):
            assert "batch-mixes" not in codes(e)
        assert "batch-mixes" not in codes(visioncam.explain(model, X[0], "ablationcam", layer="c"))
