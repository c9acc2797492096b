"""A small network with a layer that reads whatever a user's layer could read."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam

X = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
GLOBAL = 1.0
TABLE = {"scale": 1.0}


def network(*middle: Any, before: tuple[Any, ...] = ()) -> Any:
    """Return a small network with some layers between its convolution and its head."""
    keras.utils.set_random_seed(3)
    head = [L.GlobalAveragePooling2D(name="pool"), L.Dense(3, activation="softmax", name="head")]
    conv = L.Conv2D(4, 3, padding="same", name="conv")
    return keras.Sequential([keras.Input((8, 8, 3)), *before, conv, *middle, *head])


@dataclass
class Settings:
    scale: float = 1.0
    deep: dict[str, Any] = field(default_factory=lambda: {"list": [1.0, {"x": 1.0}]})


class Slotted:
    __slots__ = ("scale",)

    def __init__(self) -> None:
        self.scale = 1.0


def twice(x: Any) -> Any:
    return x * 2.0


class Own(L.Layer):
    """A layer that reads whatever a user's layer could read."""

    shift = 0.0

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.flag, self.scale, self.index, self.pair = False, 1.0, 0, (1.0, 1.0)
        self.settings, self.slotted, self.space = Settings(), Slotted(), types.SimpleNamespace(scale=1.0)
        self.constant, self.array = tf.constant([1.0, 1, 1, 1]), np.ones(4, np.float32)
        self.steps = [lambda x: x, twice]
        self.branches = [L.Conv2D(4, 1, name=f"branch{i}") for i in range(2)]
        self.bent = partial(tf.multiply, y=1.0)

    def build(self, shape: Any) -> None:
        for branch in self.branches:
            branch.build(shape)

    def helped(self, x: Any) -> Any:
        return x

    def call(self, x: Any) -> Any:
        x = tf.nn.relu(x) if self.flag else x
        x = self.steps[self.index](x) * self.scale * self.pair[1] + self.shift
        x = x * self.settings.scale * self.settings.deep["list"][1]["x"] * self.slotted.scale
        x = x * self.space.scale * self.constant * self.array * GLOBAL * TABLE["scale"]
        return self.helped(self.bent(self.branches[self.index](x)))


def own(model: Any) -> Own:
    return next(one for one in model.layers if isinstance(one, Own))


def answer(model: Any) -> tuple[np.ndarray, np.ndarray]:
    explained = visioncam.explain(model, X, target=0, layer="conv")[0]
    return explained.raw, np.array([p.value for p in sorted(explained.predictions, key=lambda p: p.index)])


def check_current(model: Any) -> None:
    """The map, and what it says of the model's answer, are those of the model as it is now."""
    raw, probabilities = answer(model)
    np.testing.assert_allclose(probabilities, model(X).numpy()[0], atol=1e-6)
    visioncam.forget(model)
    np.testing.assert_array_equal(raw, answer(model)[0])
