"""The networks of keras.applications are recognised by what they are, not by what they are called."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tf_keras
from helpers.networks.preprocessing import BATCH, SIDE, head, mobilenet, preprocessing_for, small
from keras import layers

from visioncam_engines.keras.applications import TABLE, recognise
from visioncam_engines.keras.first_layers import leaves


@pytest.fixture(name="mobilenet")
def mobilenet_fixture() -> Any:
    return mobilenet()


CHEAP = (
    "VGG16",
    "ResNet50",
    "ResNet50V2",
    "Xception",
    "InceptionV3",
    "DenseNet121",
    "MobileNet",
    "MobileNetV2",
)


def build(name: str, weights: int, library: Any = keras) -> Any:
    options: dict[str, Any] = {}
    if name.startswith("MobileNet"):
        row = next(row for row in TABLE if row.name == name)
        alphas = {"MobileNet": (0.25, 0.5, 0.75, 1.0), "MobileNetV2": (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)}[name]
        options = {"alpha": alphas[row.weights.index(weights)], "input_shape": (224, 224, 3)}
    elif name.startswith("NASNet"):
        options = {"input_shape": (224, 224, 3) if name == "NASNetMobile" else (331, 331, 3)}
    return getattr(library.applications, name)(weights=None, include_top=False, **options)


MODULES = {"VGG": "vgg16", "ResNet": "resnet", "Xception": "xception", "Inception": "inception_v3"}
MODULES |= {"DenseNet": "densenet", "NASNet": "nasnet", "MobileNet": "mobilenet"}
MODULES |= {"ResNet50V2": "resnet_v2", "ResNet101V2": "resnet_v2", "ResNet152V2": "resnet_v2"}


def own_function(name: str) -> Any:
    """Return Keras's own `preprocess_input` of a network."""
    key = max((key for key in MODULES if name.startswith(key)), key=len)
    return getattr(keras.applications, MODULES[key]).preprocess_input


def check_recognised(name: str, weights: int, library: Any = keras) -> None:
    preprocessing = preprocessing_for(build(name, weights, library))
    assert preprocessing.why == f"recognised {name} of keras.applications"
    assert np.allclose(preprocessing.function(BATCH), own_function(name)(BATCH.copy()), atol=1e-4)


@pytest.mark.parametrize("name", CHEAP)
def test_applications_are_recognised(name: str) -> None:
    row = next(row for row in TABLE if row.name == name)
    check_recognised(name, row.weights[0])


DEEP = {
    "InceptionResNetV2",
    "NASNetLarge",
    "ResNet101",
    "ResNet152",
    "ResNet101V2",
    "ResNet152V2",
    "DenseNet169",
    "DenseNet201",
}
"""More of the same: `tools/compatibility.py --full` builds them."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "weights"),
    [
        (row.name, n)
        for row in TABLE
        if row.name not in DEEP
        for n in row.weights
        if row.name not in CHEAP or n != row.weights[0]
    ],
)
def test_every_application_is_recognised(name: str, weights: int) -> None:
    check_recognised(name, weights)


@pytest.mark.parametrize("name", ["MobileNet", "InceptionV3"])
def test_applications_of_tf_keras_are_recognised(name: str) -> None:
    check_recognised(name, next(row for row in TABLE if row.name == name).weights[0], tf_keras)


def layouts(base: Any) -> dict[str, Any]:
    """Return the ways in which people put a head on a backbone."""
    inputs = keras.Input(SIDE)
    tabular = keras.Input((5,))
    deep = keras.Sequential([keras.Input(SIDE), base], name="inner")
    side = layers.Dense(8)(layers.Dense(8)(layers.Normalization()(tabular)))
    both = layers.Concatenate()([layers.GlobalAveragePooling2D()(base.output), side])
    return {
        "continued": keras.Model(base.input, head(base.output)),
        "nested": keras.Model(inputs, head(base(inputs))),
        "sequential": keras.Sequential(
            [keras.Input(SIDE), layers.RandomFlip(), base, layers.Flatten(), layers.Dense(3)]
        ),
        "three deep": keras.Sequential([keras.Input(SIDE), layers.Resizing(32, 32), deep, layers.Flatten()]),
        "image and table": keras.Model([base.input, tabular], layers.Dense(2)(both)),
        "with a top": keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=SIDE, classes=7),
        "cloned": keras.models.clone_model(base),
    }


def test_backbones_are_recognised_inside_other_models(mobilenet: Any) -> None:
    for layout, model in layouts(mobilenet).items():
        preprocessing = preprocessing_for(model)
        assert (preprocessing.name, preprocessing.known) == ("tf", True), layout


def test_a_saved_and_loaded_model_is_recognised(mobilenet: Any, tmp_path: Any) -> None:
    path = tmp_path / "anything.keras"
    keras.Model(mobilenet.input, head(mobilenet.output)).save(path)
    assert preprocessing_for(keras.models.load_model(path)).name == "tf"


def test_a_cut_network_is_not_recognised_but_named(mobilenet: Any) -> None:
    cut = keras.Model(mobilenet.input, mobilenet.get_layer("block_13_expand_relu").output)
    preprocessing = preprocessing_for(cut)
    assert (preprocessing.name, preprocessing.known, preprocessing.expected_range) == ("none", False, None)
    assert (
        "named like MobileNetV2's ('tf'), its weights differ; 0..255 are passed unchanged"
        in preprocessing.why
    )


def test_names_alone_do_not_make_a_network() -> None:
    stack = [
        layers.Conv2D(4, 3, name=f"block{b}_conv{c}")
        for b in range(1, 6)
        for c in range(1, 4)
        if (b > 2 or c < 3)
    ]
    model = keras.Sequential([keras.Input((64, 64, 3)), *stack], name="vgg16")
    assert recognise(list(leaves(model))) is None
    preprocessing = preprocessing_for(model)
    assert not preprocessing.known
    assert "named like VGG16's" in preprocessing.why


def test_an_adapter_in_front_of_a_network_makes_it_unknown(mobilenet: Any) -> None:
    inputs = keras.Input((32, 32, 1))
    assert not preprocessing_for(keras.Model(inputs, head(mobilenet(layers.Conv2D(3, 1)(inputs))))).known


def test_unknown_models_say_so() -> None:
    preprocessing = preprocessing_for(small())
    assert (preprocessing.name, preprocessing.known) == ("none", False)
    assert preprocessing.why.startswith(
        "no Rescaling or Normalization layer, and no network of keras.applications"
    )
    assert np.array_equal(preprocessing.function(BATCH), BATCH)


def test_reading_a_model_leaves_it_alone(mobilenet: Any) -> None:
    model = keras.Sequential([keras.Input(SIDE), mobilenet, layers.Flatten()])
    before = (model.get_config(), [layer.name for layer in model.layers], len(model.weights))
    preprocessing_for(model)
    assert (model.get_config(), [layer.name for layer in model.layers], len(model.weights)) == before
