"""Every engine through the contract kit: the one for TensorFlow, and one in NumPy written for the kit."""

from __future__ import annotations

from typing import Any

import attrs
import keras
import numpy as np
import pytest
from helpers.numpy_engine import SPEC, NumPyEngine, TwoLayers
from keras import layers

from visioncam_core.plugins.default import registry
from visioncam_core.testing import Check, engine_checks

PICTURES = np.random.default_rng(1).uniform(size=(4, 16, 16, 3)).astype(np.float32)
TENSORFLOW = next(spec for spec in registry().engines() if spec.name == "keras-tensorflow")


def functional() -> Any:
    keras.utils.set_random_seed(3)
    i = keras.Input((16, 16, 3))
    x = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="first")(i)
    x = layers.Conv2D(5, 3, padding="same", activation="relu", name="second")(x)
    return keras.Model(i, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def residual() -> Any:
    keras.utils.set_random_seed(4)
    i = keras.Input((16, 16, 3))
    stem = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(i)
    x = layers.Conv2D(6, 3, padding="same", activation="gelu", name="inner")(stem)
    x = layers.Add()([stem, x])
    x = layers.Dense(4, activation="relu")(layers.Flatten()(layers.AveragePooling2D(2)(x)))
    return keras.Model(i, layers.Dense(3)(x))


class Subclassed(keras.Model):
    """A model whose `call` is Python, with channels first inside."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = layers.Conv2D(4, 3, activation="relu")
        self.dense = layers.Dense(2, activation="sigmoid")

    def call(self, x: Any) -> Any:
        return self.dense(keras.ops.mean(self.conv(x) ** 2, axis=(1, 2)))

    def get_config(self) -> dict[str, Any]:
        return {}


def subclassed() -> Any:
    keras.utils.set_random_seed(5)
    model = Subclassed()
    model(PICTURES[:1])
    return model


WITHOUT_GRADIENTS = attrs.evolve(SPEC, can=frozenset({"layers"}))


def checks() -> list[Check]:
    """Return the checks of each engine on models of its own."""
    found = engine_checks(SPEC, TwoLayers(), PICTURES) + engine_checks(NumPyEngine(), TwoLayers(), PICTURES)
    found += engine_checks(SPEC, TwoLayers(), PICTURES, layer="features")
    found += engine_checks(WITHOUT_GRADIENTS, TwoLayers(), PICTURES)
    found += engine_checks(TENSORFLOW, functional(), PICTURES, rounding=1e-6)
    found += engine_checks(TENSORFLOW, residual(), PICTURES, rounding=1e-6, layer="inner")
    uncopied = attrs.evolve(TENSORFLOW, can=TENSORFLOW.can - {"copies"})
    return found + [
        one
        for one in engine_checks(uncopied, subclassed(), PICTURES, rounding=1e-6)
        if one.name
        != "freed"  # a subclassed model is freed too, see test_untouched; it cannot be copied here
    ]


@pytest.mark.parametrize("check", checks())
def test_contract(check: Check) -> None:
    check()
