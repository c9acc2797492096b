"""A SavedModel without its class gives the maps of the model it was exported from, by every method."""

from __future__ import annotations

import gc
import warnings
import weakref
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from helpers.cli import run
from helpers.networks import kinds as zoo
from helpers.networks import legacy
from helpers.networks import ranks as more
from helpers.networks.kinds import X, conv, gap
from helpers.networks.maps import agree, maps
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError


def skipping() -> Any:
    """A skip connection, concatenated branches, batch norms, and silu, whose gradient is its own."""
    i = L.Input((16, 16, 3))
    x = L.BatchNormalization()(conv("c1")(L.Rescaling(2.0)(i)))
    y = L.Activation("silu")(L.BatchNormalization()(L.Conv2D(8, 3, padding="same", name="c2")(x)))
    x = L.MaxPooling2D()(L.Add(name="join")([x, y]))
    x = L.Concatenate(name="both")([conv("c3", 4)(x), L.DepthwiseConv2D(3, padding="same")(x)])
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))


def exported(model: Any, folder: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.export(folder / "exported", verbose=False)
    return tf.saved_model.load(str(folder / "exported"))


def test_exported_equals_the_original(tmp_path: Path) -> None:
    """At the same feature map, chosen by `auto`, and inside the block that the skip goes around."""
    model = skipping()
    loaded = exported(model, tmp_path)
    agree(maps(loaded, X), maps(model, X))
    assert visioncam.explain(loaded, X[0]).layer.path.endswith("both_1/concat")
    agree(maps(loaded, X, layer="re:c2_1/BiasAdd"), maps(model, X, layer="c2"))


def test_saved_by_tensorflow_equals_the_original_and_takes_each_of_its_forms(tmp_path: Path) -> None:
    """The loaded object, its signature, Keras's layer around it, and that layer in a model."""
    model = skipping()
    tf.saved_model.save(model, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    layer = L.TFSMLayer(str(tmp_path / "saved"), call_endpoint="serving_default")
    wanted = visioncam.explain(model, X[0], method="gradcamplusplus", target=1)
    forms = (
        loaded,
        loaded.signatures["serving_default"],
        layer,
        keras.Sequential([L.Input(X[0].shape), layer]),
    )
    for form in forms:
        e = visioncam.explain(form, X[0], method="gradcamplusplus", target=1)
        np.testing.assert_allclose(e.raw, wanted.raw, atol=1e-5 * np.abs(wanted.raw).max())
        assert e.score == pytest.approx(wanted.score, abs=1e-5)
        assert e.score_kind == "logit"


class Plain(tf_keras.Model):
    """Keras 2, subclassed."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = legacy.conv("c1"), legacy.conv("c2")
        self.pool, self.head = tf_keras.layers.GlobalAveragePooling2D(), tf_keras.layers.Dense(5)

    def call(self, x: Any, training: bool | None = None) -> Any:
        return tf.nn.softmax(self.head(self.pool(self.second(self.first(x)))))


def test_keras_2_revived_without_its_class(tmp_path: Path) -> None:
    model = Plain()
    model.predict(X, verbose=0)
    model.save(str(tmp_path / "model"), save_format="tf")
    revived = tf_keras.models.load_model(str(tmp_path / "model"))
    assert not isinstance(revived, Plain)
    agree(maps(revived, X), maps(model, X))
    agree(maps(tf.saved_model.load(str(tmp_path / "model")), X), maps(model, X))


@pytest.mark.parametrize("build", [zoo.dict_inputs, more.channels_first, legacy.keras2_nested])
def test_other_kinds(build: Any, tmp_path: Path) -> None:
    """Inputs by name, channels first, nested under Keras 2."""
    model, image = build(), zoo.KINDS[build.__name__].image
    if build is legacy.keras2_nested:
        model.save(str(tmp_path / "exported"), save_format="tf")
        loaded = tf.saved_model.load(str(tmp_path / "exported"))
    else:
        loaded = exported(model, tmp_path)
    agree(maps(loaded, image), maps(model, image))


def test_it_is_untouched_freed_and_asked_anew_when_its_weights_change(tmp_path: Path) -> None:
    model = skipping()
    loaded = exported(model, tmp_path)
    answer = loaded.serve(X).numpy()
    before = visioncam.explain(loaded, X[0], target=1)
    traces = COUNTERS.snapshot()["traces"]
    np.testing.assert_array_equal(loaded.serve(X).numpy(), answer)
    for variable, here in zip(loaded.variables, model.variables, strict=True):
        variable.assign(variable * 1.25)
        here.assign(here * 1.25)
    after = visioncam.explain(loaded, X[0], target=1)
    wanted = visioncam.explain(model, X[0], target=1)
    assert not np.allclose(after.raw, before.raw)
    np.testing.assert_allclose(after.raw, wanted.raw, atol=1e-5 * np.abs(wanted.raw).max())
    assert COUNTERS.snapshot()["traces"] == traces + 1  # the Keras model's own
    held = weakref.ref(loaded)
    del loaded, variable
    gc.collect()
    assert held() is None


def test_a_rounding_with_a_gradient_of_its_own_is_told(tmp_path: Path) -> None:
    """Straight through: the graph has only the automatic gradient, which is zero, and the map says so."""

    @tf.custom_gradient
    def rounded(x: Any) -> Any:
        return tf.round(x * 8) / 8, lambda upstream: upstream

    class Steps(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3))])
        def see(self, x: Any) -> Any:
            kept = tf.nn.relu(x)
            return tf.reduce_mean(tf.concat([rounded(kept), kept], -1), (1, 2))

    module = Steps()
    tf.saved_model.save(module, str(tmp_path / "a"), signatures=module.see)
    e = visioncam.explain(tf.saved_model.load(str(tmp_path / "a")), X[0][:8, :8], layer="Relu", target=0)
    assert {"gradient-replaced", "zero-gradient"} <= {d.code for d in e.diagnostics}
    assert "ScoreCAM" in next(d.fix for d in e.diagnostics if d.code == "gradient-replaced")


def test_what_cannot_be_explained_is_refused(tmp_path: Path) -> None:
    """Two signatures without a usual one, none at all, and a batch of exactly two."""

    class Two(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((2, 8, 8, 3))])
        def see(self, x: Any) -> Any:
            return tf.reduce_mean(tf.reshape(x, (2, 64, 3)), 1)

    module = Two()
    tf.saved_model.save(module, str(tmp_path / "a"), signatures={"one": module.see, "two": module.see})
    several = tf.saved_model.load(str(tmp_path / "a"))
    with pytest.raises(ModelError, match=r"signatures 'one', 'two'.*model.signatures\["):
        visioncam.explain(several, X[0])
    with pytest.raises(ModelError, match="batches of exactly 2; export it with an open batch"):
        visioncam.explain(several.signatures["one"], X[0][:8, :8])
    tf.saved_model.save(tf.Module(), str(tmp_path / "b"))
    with pytest.raises(ModelError, match="no signature to explain"):
        visioncam.explain(tf.saved_model.load(str(tmp_path / "b")), X[0])


def test_the_command_line_takes_one_only_when_trusted(tmp_path: Path, examples: Path) -> None:
    exported(zoo.functional(), tmp_path)
    folder = tmp_path / "exported"
    refused = run("layers", folder)
    assert refused.code == 2
    assert "is a SavedModel, a program that can run any code" in refused.message
    assert "--trust-savedmodel" in refused.message
    listed = run("layers", folder, "--trust-savedmodel", "--json")
    assert listed.code == 0
    assert listed.data["choice"]["path"].endswith("c2_1/Relu")
    picture = examples / "chelsea.png"
    ended = run("explain", picture, "--model", folder, "--trust-savedmodel", "-o", tmp_path / "map.png")
    assert ended.code == 0
    assert "a SavedModel is a program" in ended.stderr
    assert (tmp_path / "map.png").stat().st_size > 0
