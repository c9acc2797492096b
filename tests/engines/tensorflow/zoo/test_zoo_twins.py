"""Two forms of one network give one map, by every method: to 1e-5 of the map's maximum."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from helpers.networks import forms, legacy
from helpers.networks import kinds as zoo
from helpers.networks import ranks as more
from helpers.networks.kinds import X, conv, gap
from helpers.networks.maps import agree, maps, twin
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.errors import LayerError, TargetError


@pytest.mark.parametrize("build", [zoo.sequential, zoo.sequential_called, zoo.transfer_learning])
def test_saved_and_reloaded_equals_the_original(build: Any, tmp_path: Path) -> None:
    model = build()
    model.save(tmp_path / "model.keras")
    agree(maps(model, X), maps(keras.models.load_model(tmp_path / "model.keras"), X))


def test_nested_equals_flattened() -> None:
    nested = zoo.nested()
    i = L.Input((16, 16, 3))
    x = conv("c2", 12)(L.MaxPooling2D()(conv("c1")(i)))
    flat = keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))
    flat.set_weights(nested.get_weights())
    agree(maps(nested, X), maps(flat, X))
    agree(maps(nested, X, layer="backbone/c1"), maps(flat, X, layer="c1"))


def test_channels_first_equals_channels_last() -> None:
    first = more.channels_first()
    i = L.Input((12, 16, 3))
    plain = {"padding": "same", "activation": "relu"}
    x = L.Conv2D(8, 3, name="c2", **plain)(L.Conv2D(8, 3, name="c1", **plain)(i))
    last = keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling2D()(x)))
    last.set_weights(first.get_weights())
    image = zoo.noise(12, 16, 3)
    agree(maps(first, np.moveaxis(image, -1, 1)), maps(last, image))


def test_a_channels_first_segmentation_equals_a_channels_last_one() -> None:
    """Its classes are the second axis of the output: of a class, of a region, in the predictions."""
    i = L.Input((3, 12, 16))
    x = more.ConvFirst(name="c2")(more.ConvFirst(name="c1")(i))
    x = L.Permute((3, 1, 2))(L.Conv2D(4, 1, name="head")(L.Permute((2, 3, 1))(x)))
    first = keras.Model(i, L.Softmax(axis=1)(x))
    i = L.Input((12, 16, 3))
    last = keras.Model(i, L.Softmax()(L.Conv2D(4, 1)(conv("c2")(conv("c1")(i)))))
    last.set_weights(first.get_weights())
    image = zoo.noise(12, 16, 3)
    moved = np.moveaxis(image, -1, 1)
    agree(maps(first, moved, layer="c1"), maps(last, image, layer="c1"))
    for target in (None, visioncam.targets.Region(2, "all")):
        one = visioncam.explain(first, moved[0], target=target, layer="c2")
        two = visioncam.explain(last, image[0], target=target, layer="c2")
        assert one.score_kind == two.score_kind == "logit"
        assert one.target.label == two.target.label
        assert one.score == pytest.approx(two.score, abs=1e-5)
        assert [(p.index, p.probability) for p in one.predictions] == [
            (p.index, pytest.approx(p.probability)) for p in two.predictions
        ]
    assert visioncam.layers(first).table.dense


def test_subclassed_inside_functional_equals_plain() -> None:
    model = forms.subclassed_in_functional()
    agree(maps(model, X), maps(twin(model, pooled=True), X))


def test_keras_2_equals_keras_3() -> None:
    for build, pooled in ((legacy.keras2_functional, True), (legacy.keras2_nested, True)):
        model = build()
        agree(maps(model, X), maps(twin(model, pooled=pooled), X))


def test_a_name_with_slashes_is_found_whole() -> None:
    """Keras 2 allows them; the last part alone stands for two layers, and the error names both."""
    model = legacy.keras2_slashed_names()
    paths = [
        visioncam.explain(model, X[0], layer=query).layer.path
        for query in ("block/1/conv", model.get_layer("block/1/conv"), "re:^block/1")
    ]
    assert paths == ["block/1/conv"] * 3
    with pytest.raises(LayerError, match=r"'conv' stands for 2 outputs: 'block/1/conv' .* 'block/2/conv'"):
        visioncam.explain(model, X[0], layer="conv")


@pytest.mark.parametrize("build", [legacy.keras2_functional, legacy.keras2_sequential])
def test_a_keras_2_saved_model_with_its_class_equals_the_original(build: Any, tmp_path: Path) -> None:
    model = build()
    model.save(str(tmp_path / "model"), save_format="tf")
    agree(maps(model, X), maps(tf_keras.models.load_model(str(tmp_path / "model")), X))


@pytest.mark.parametrize(
    ("build", "strategy"),
    [
        (zoo.functional, lambda: tf.distribute.MirroredStrategy(["CPU:0"])),
        (legacy.keras2_functional, lambda: tf.distribute.MirroredStrategy(["CPU:0"])),
        (legacy.keras2_functional, lambda: tf.distribute.OneDeviceStrategy("CPU:0")),
    ],
)
def test_built_under_a_strategy(build: Any, strategy: Any) -> None:
    """Explained like any other, inside and outside the scope, and after a step of training."""
    strategy = strategy()
    with strategy.scope():
        model = build()
    with strategy.scope():
        inside = maps(model, X)
    agree(inside, maps(model, X))
    agree(inside, maps(twin(model, pooled=True), X))
    model.compile("sgd", "sparse_categorical_crossentropy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, np.zeros(2), verbose=0)
    agree(maps(model, X), maps(twin(model, pooled=True), X))


def test_an_output_is_chosen_by_its_key() -> None:
    model = forms.subclassed_dict_outputs()
    dense = model.kind
    i = L.Input((16, 16, 3))
    plain = keras.Model(i, L.Dense(3, activation="softmax")(gap(conv("features")(i))))
    plain.set_weights(model.features.get_weights() + dense.get_weights())
    agree(maps(model, X, output="kind"), maps(plain, X))
    (size, _) = visioncam.explain(model, X, output="size")
    assert size.score_kind == "output"
    with pytest.raises(TargetError, match="no output 'sizes'; its outputs are 'kind', 'mask', 'size'"):
        visioncam.explain(model, X, output="sizes")
