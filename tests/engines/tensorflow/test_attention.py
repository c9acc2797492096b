"""Attention of Keras models on TensorFlow, against the maps of other tools."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.attention import BLOCKS, MAPS, attention_of, close, golden
from helpers.keras_attention import transformer, windowed
from keras import layers

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import LayerError

GOLDEN = golden()
X = GOLDEN["pictures"]
CLASSES = [int(one) for one in GOLDEN["classes"]]
THREE = ("rollout", "attentiongradient", "legrad")


def maps(model: Any, method: str, **options: Any) -> np.ndarray:
    options = {"target": CLASSES, "preprocess": None, **options}
    return np.stack([one.raw for one in visioncam.explain(model, list(X), method=method, **options)])


@pytest.fixture(scope="module")
def model() -> Any:
    return transformer()


@pytest.mark.parametrize("options", [{}, {"dropout": 0.1}, {"shaped": True}], ids=str)
def test_maps_are_those_of_other_libraries(options: dict[str, Any]) -> None:
    model = transformer(**options)
    close(model(X).numpy(), GOLDEN["logits"])
    for name, (method, options) in MAPS.items():
        close(maps(model, method, **options), GOLDEN[name])


def test_weights_and_gradients_are_the_model_s_own(model: Any) -> None:
    found = attention_of(model, X, "score", target=CLASSES, preprocess=None)
    assert (found.prefix, found.grid, found.suffix) == (1, (3, 4), 0)
    close(found.read, np.eye(13)[[0, 0]], 1e-6)
    for b in range(BLOCKS):
        close(found.weights[b], GOLDEN[f"attention{b}"])
        close(found.gradients[b], GOLDEN[f"attention_gradient{b}"])


def test_only_the_class_token_asks_in_the_last_block(model: Any) -> None:
    for reading, others in (("blocks", False), ("mean", True)):
        last = attention_of(model, X, reading, target=CLASSES, preprocess=None).gradients[-1]
        assert last[:, :, 0].any()
        assert last[:, :, 1:].any() == others


def test_a_model_that_pools_its_patches_is_read_there() -> None:
    found = attention_of(transformer(pooled=True), X, preprocess=None)
    close(found.read, np.tile([0.0, *[1 / 12] * 12], (2, 1)), 1e-6)


def test_a_batch_is_its_pictures_and_passes_are_counted(model: Any) -> None:
    for method in THREE:
        close(maps(model, method, batch_size=1), maps(model, method, batch_size=2), 1e-5)
    before = COUNTERS.snapshot()
    visioncam.compare(model, X[0], methods=["legrad", "rollout"], target=1, preprocess=None)
    counts = COUNTERS.snapshot() - before
    assert (counts["forward"], counts["backward"], counts["traces"]) == (4, 1, 0)


def test_any_target(model: Any) -> None:
    """A function of the outputs is a target like a class."""
    one = maps(model, "attentiongradient", target=3)
    close(maps(model, "attentiongradient", target=lambda values: values[:, 3]), one, 1e-5)
    close(maps(model, "legrad", target=lambda values: values[:, 3]), maps(model, "legrad", target=3), 1e-5)


def test_the_model_is_left_as_it_was(model: Any) -> None:
    before = [one.copy() for one in model.get_weights()]
    known = [dict(vars(layer)) for layer in model.layers]
    for method in THREE:
        maps(model, method)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))
    for layer, names in zip(model.layers, known, strict=True):
        assert "call" not in vars(layer)
        assert set(vars(layer)) == set(names)


def test_half_precision() -> None:
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = transformer()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for name, (method, options) in MAPS.items():
        close(maps(half, method, **options), GOLDEN[name], 0.05)


def refused(model: Any, size: int, method: str = "rollout") -> str:
    picture = np.random.default_rng(0).standard_normal((size, size, 3), np.float32)
    with pytest.raises(LayerError) as told:
        visioncam.explain(model, picture, method=method, target=1, preprocess=None)
    return str(told.value)


@pytest.mark.parametrize("method", THREE)
def test_windowed_attention_is_refused(method: str) -> None:
    told = refused(windowed(), 32, method)
    assert "inside windows of 16 tokens: there is no T × T over the picture" in told


def test_a_model_without_attention_is_refused() -> None:
    model = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.GlobalMaxPooling2D()])
    assert "no attention was found in this model" in refused(model, 16)


def test_a_model_of_open_sizes_is_told_to_be_built_for_one() -> None:
    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 4, 4)(inputs)
    x = layers.Reshape((-1, 8))(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    model = keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling1D()(x)))
    assert "unknown until the model runs; build it for pictures of one size" in refused(model, 16)
