"""Rounding noise is never shown as a map: what a theorem makes zero is zero, and what is left says so.

Behind what takes a mean away over space (an instance norm, x − mean, a softmax over space) Σ_p G_pk = 0 for
every channel; where a norm over channels alone reads a layer, Σ_k G_pk A_pk = 0 at every position (Euler).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.networks import tokens
from helpers.networks.norms import (
    Does,
    Step,
    X,
    attended,
    centred,
    codes,
    instance_norm,
    network,
    pooled,
    space_softmax,
    told,
    where_it_is,
)
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops as K  # noqa: N812

import visioncam

RNG = np.random.default_rng(0)


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


@pytest.mark.parametrize("curve", [K.sigmoid, K.tanh, K.softplus])
def test_nearly_linear_curves_leave_more_than_rounding_and_are_told(curve: Step) -> None:
    """The gradient is what bends the curve, a small part of what was added up: 1e-3 of it may be noise."""
    model = network(lambda x: pooled(curve(Does(instance_norm)(x))), shape=(160, 160, 3))
    x = RNG.random((160, 160, 3), np.float32)
    assert "terms-cancel" in codes(visioncam.explain(model, x, layer="c"))
    flat = network(lambda x: L.Flatten()(curve(x)), shape=(160, 160, 3))
    assert "terms-cancel" not in codes(visioncam.explain(flat, x, layer="c"))


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


def test_the_doctor_looks_at_a_picture_brighter_by_a_millionth() -> None:
    """Without biases there is no scale to compare a gradient with; but another map gives noise away."""
    model = network(FAINT["instance norm, pooled"], bias="zeros")
    assert "unsteady-map" in codes(visioncam.doctor(model, X[0], layer="c"))
    assert "unsteady-map" not in codes(visioncam.doctor(network(pooled), X[0], layer="c"))
