"""One small network with many ends: the same weights under every kind of head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

import visioncam

CLASSES = 5
METHODS = [row.name for row in visioncam.methods() if row.in_all]
LINEAR = ["gradcam", "hirescam", "xgradcam", "respondcam"]
"""Methods whose raw map changes sign with the score."""


def images(count: int = 2, size: int = 12) -> np.ndarray:
    return np.random.default_rng(3).random((count, size, size, 3), dtype=np.float32)


class Body:
    """An input, its pooled features, and a dense layer for each number of values; weights are shared."""

    def __init__(self) -> None:
        """Draw the weights."""
        keras.utils.set_random_seed(5)
        self.input = L.Input((12, 12, 3))
        x = L.Conv2D(6, 3, padding="same", activation="relu", name="c1")(self.input)
        x = L.Conv2D(8, 3, padding="same", activation="relu", name="c2")(x)
        self.features = L.GlobalAveragePooling2D()(x)
        self.dense = {
            n: L.Dense(n, kernel_initializer=keras.initializers.RandomNormal(stddev=3.0), name=f"to{n}")
            for n in (1, 2, 3, CLASSES)
        }

    def logits(self, count: int = CLASSES) -> Any:
        return self.dense[count](self.features)

    def model(self, head: Callable[[Any], Any] = lambda x: x, count: int = CLASSES) -> Any:
        """Return the model with `head` applied to `count` logits."""
        return keras.Model(self.input, head(self.logits(count)))


def lambda_(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: L.Lambda(function)(x)


def by_hand(x: Any) -> Any:
    """Return a softmax that no tool can recognise."""
    powers = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return powers / ops.sum(powers, axis=-1, keepdims=True)


def split(x: Any, first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Any:
    """Return two activations side by side, over the first two logits and the rest."""
    return L.Concatenate()([first(x[:, :2]), second(x[:, 2:])])


def column(x: Any) -> Any:
    return L.Reshape((CLASSES, 1))(x)


SOFTMAX: dict[str, Callable[[Any], Any]] = {
    "softmax layer": lambda x: L.Softmax()(x),
    "activation": lambda x: L.Activation("softmax")(x),
    "operation": lambda x: ops.softmax(x),
    "inside a lambda": lambda_(ops.softmax),
    "dropout after": lambda x: L.Dropout(0.5)(L.Softmax()(x)),
    "reshape after": lambda x: L.Reshape((CLASSES,))(L.Reshape((1, CLASSES))(L.Softmax()(x))),
    "flatten after": lambda x: L.Flatten()(L.Softmax()(L.Reshape((1, CLASSES))(x))),
    "transpose after": lambda x: L.Flatten()(L.Permute((2, 1))(column(L.Softmax()(x)))),
    "other axis": lambda x: L.Flatten()(L.Softmax(axis=1)(column(x))),
    "squeezed": lambda x: ops.squeeze(ops.expand_dims(ops.softmax(x), 1), 1),
    "clipped": lambda x: ops.clip(ops.softmax(x), 1e-7, 1 - 1e-7),
    "clipped by TensorFlow": lambda_(lambda x: tf.clip_by_value(tf.nn.softmax(x), 1e-7, 1.0)),
    "cast": lambda x: ops.cast(ops.cast(ops.softmax(x), "float64"), "float32"),
    "float64 inside": lambda x: ops.cast(ops.softmax(ops.cast(x, "float64")), "float32"),
    "stopped": lambda x: ops.stop_gradient(ops.softmax(x)),
    "log": lambda x: ops.log_softmax(x),
    "two softmaxes": lambda x: split(x, ops.softmax, ops.softmax),
    "softmax beside sigmoid": lambda x: split(x, ops.softmax, ops.sigmoid),
    "scaled softmax": lambda x: 0.5 * ops.softmax(x),
}
SIGMOID: dict[str, Callable[[Any], Any]] = {
    "activation": lambda x: L.Activation("sigmoid")(x),
    "operation": lambda x: ops.sigmoid(x),
    "two side by side": lambda x: split(x, ops.sigmoid, ops.sigmoid),
    "clipped": lambda x: ops.clip(ops.sigmoid(x), 1e-7, 1 - 1e-7),
}
NO_LOGIT: dict[str, Callable[[Any], Any]] = {
    "none": lambda x: x,
    "by hand": by_hand,
    "clipped from below by another value": lambda x: ops.maximum(ops.softmax(x), 0.1 * ops.max(x)),
    "relu": lambda x: ops.relu(x),
}
