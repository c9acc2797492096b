"""What is measured on a randomised model is measured on that model, with other weights and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.kinds import backbone
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam.evaluation.randomised import Randomised, checked_copy
from visioncam_core.errors import ModelError
from visioncam_core.images.sample import Read
from visioncam_engines.tensorflow.engine import TensorFlowEngine

X = np.random.default_rng(0).normal(3, 2, size=(2, 8, 8, 3)).astype(np.float32)


def network(*before: Any, keras: Any = keras) -> Any:
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            *before,
            layers.Conv2D(4, 3, padding="same", name="conv"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3, activation="softmax"),
        ]
    )


def adapted(keras: Any = keras) -> Any:
    norm = keras.layers.Normalization()
    norm.adapt(np.random.default_rng(1).normal(3, 2, (50, 8, 8, 3)))
    return network(norm, keras=keras)


def legacy() -> Any:
    return adapted(pytest.importorskip("tf_keras"))


def changed_after_it_was_built() -> Any:
    model = network()
    model.get_layer("relu").negative_slope = 0.7
    return model


def with_a_closure() -> Any:
    scale = np.array([2.0, -1, 0.5], np.float32)
    return network(L.Lambda(lambda x: x * scale))


class Scaled(L.Layer):
    """Has no `get_config` that gives its scale back."""

    def __init__(self, scale: float = 1.0, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.table = tf.constant([scale, 1.0, 2.0])

    def call(self, x: Any) -> Any:
        return x * self.table


class Subclassed(keras.Model):
    """Keras cannot copy it."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.parts = [L.Conv2D(4, 3, padding="same", name=f"conv{i}") for i in range(depth)]
        self.pool, self.head, self.factor = L.GlobalAveragePooling2D(), L.Dense(3), 0.5

    def call(self, x: Any) -> Any:
        for part in self.parts:
            x = tf.nn.relu(part(x)) * self.factor
        return self.head(self.pool(x))


def subclassed() -> Any:
    keras.utils.set_random_seed(3)
    model = Subclassed(2)
    model(X)
    return model


def nested() -> Any:
    norm = L.Normalization()
    norm.adapt(np.random.default_rng(1).normal(3, 2, (50, 16, 16, 3)))
    inner = keras.Sequential([L.Input((16, 16, 3)), norm, backbone()], name="inner")
    return keras.Sequential([L.Input((16, 16, 3)), inner, L.GlobalAveragePooling2D(), L.Dense(3)])


def frozen() -> Any:
    """Weights that are not trained stand elsewhere in Keras 2's list than in a copy's."""
    model = legacy()
    model.layers[1].trainable = False
    return model


MODELS: dict[str, Callable[[], Any]] = {
    "adapted": adapted,
    "Keras 2": legacy,
    "frozen": frozen,
    "changed": changed_after_it_was_built,
    "closure": with_a_closure,
    "constant": lambda: network(Scaled(3.0)),
    "subclassed": subclassed,
    "nested": nested,
    "recurrent statistics": lambda: network(L.BatchNormalization(), L.GroupNormalization(3)),
}


def pictures(model: Any) -> np.ndarray:
    size = 16 if getattr(model, "layers", None) and model.layers[0].name == "inner" else 8
    return np.resize(X, (2, size, size, 3))


def explainer_of(model: Any) -> tuple[Any, Read]:
    explainer = visioncam.explainer(model)
    return explainer, Read(*explainer.reader.read(pictures(model)))


def copied(model: Any) -> Randomised:
    return Randomised.of(checked_copy(*explainer_of(model)), steps=3)


def seen(model: Any, x: np.ndarray) -> tuple[np.ndarray, list[float]]:
    found = visioncam.explain(model, x, target=0)[0]
    return found.raw, [one.value for one in found.predictions]


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
def test_a_step_of_the_cascade_is_the_model_itself_with_these_weights(build: Callable[[], Any]) -> None:
    model = build()
    x, copy = pictures(model), copied(model)
    trained = model.get_weights()
    for step in range(4):
        copy.step(step, seed=1)
        model.set_weights(copy.copy.get())
        maps, answers = seen(copy.model, x)
        own, also = seen(model, x)
        np.testing.assert_array_equal(maps, own)
        assert answers == also
        values = np.sort(np.asarray(model(x))[0])[::-1]
        np.testing.assert_allclose(answers, values, rtol=1e-5, atol=1e-6)
        model.set_weights(trained)
        assert step == 0 or not np.allclose(maps, seen(model, x)[0])


def test_the_controls_of_an_adapted_model_are_of_that_model() -> None:
    model = adapted()
    found = visioncam.evaluate(
        model, X, ["gradcam"], layer="conv", metrics=["randomisation"], seeds=1, cascade=1, target=[0, 0]
    )
    assert found.notes == ()
    random = Randomised.of(checked_copy(*explainer_of(model)), steps=1)
    random.step(1, seed=0)
    model.set_weights(random.copy.get())
    expected = visioncam.explain(model, X, target=0, layer="conv")[0].raw
    np.testing.assert_array_equal(found.layers[0].cascade["gradcam"][1], expected)


def test_a_subclassed_model_has_its_controls() -> None:
    found = visioncam.evaluate(subclassed(), X, ["gradcam"], metrics=["averagedrop"])
    assert [note for note in found.notes if not note.startswith("probabilities")] == []  # it ends in logits
    assert "gradcam@randomised" in [one.name for one in found.layers[0].subjects]


def test_a_copy_leaves_the_model_and_its_trace_alone() -> None:
    model = adapted()
    before, raw = model.get_weights(), seen(model, X)[0]
    copy = copied(model)
    copy.step(3, 0)
    assert not np.allclose(seen(copy.model, X)[0], raw)
    np.testing.assert_array_equal(seen(model, X)[0], raw)
    assert all(map(np.array_equal, before, model.get_weights()))
    model.set_weights([value * 0.5 for value in before])
    assert not np.array_equal(seen(model, X)[0], raw)
    copy.step(0, 0)
    np.testing.assert_array_equal(seen(copy.model, X)[0], raw)


def test_a_saved_model_is_randomised_in_its_own_graph(tmp_path: Path) -> None:
    """Its maps after each step are those of the Keras model that it was exported from."""
    model = network(L.BatchNormalization())
    model.export(tmp_path, verbose=False)
    saved = tf.saved_model.load(str(tmp_path))
    copy, names = copied(saved), [one.path for one in model.weights]
    copy.step(2, seed=0)
    order = [names.index(name.split(":")[0]) for name in copy.model.names]
    values = model.get_weights()
    for position, value in zip(order, copy.copy.get(), strict=True):
        values[position] = value
    found = visioncam.explain(copy.model, X, target=0)[0]
    model.set_weights(values)
    np.testing.assert_allclose(
        np.sort(model(X)[0])[::-1], [one.value for one in found.predictions], rtol=1e-5
    )
    assert "agrees with the model itself" in visioncam.doctor(saved, X).facts["trace"]


class Lossy(TensorFlowEngine):
    """Copies by configuration, as engines do that know no better."""

    name = "lossy"

    def copy(self, model: Any) -> Any:
        @attrs.frozen(eq=False)
        class Clone:
            model: Any
            owners: tuple[int, ...]

            def get(self) -> Any:
                return self.model.get_weights()

            def set(self, values: Any) -> None:
                self.model.set_weights(values)

        clone = keras.models.clone_model(model)
        clone.set_weights(model.get_weights())
        return Clone(clone, tuple(range(len(clone.weights))))


def test_a_copy_that_answers_otherwise_is_refused_with_the_layer_that_differs() -> None:
    explainer = attrs.evolve(visioncam.explainer(adapted()), engine=Lossy())
    read = Read(*explainer.reader.read(X))
    with pytest.raises(ModelError, match="first at layer 'normalization"):
        checked_copy(explainer, read)
    sound = attrs.evolve(visioncam.explainer(network()), engine=Lossy())
    assert checked_copy(sound, read).get()
