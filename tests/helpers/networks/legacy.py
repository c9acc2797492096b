"""Keras 2 models, through `tf_keras`."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tf_keras
from tf_keras import layers as L  # noqa: N812  -- as everybody writes it

from helpers.networks.kinds import X, kind, noise


def conv(name: str, filters: int = 8) -> Any:
    return L.Conv2D(filters, 3, padding="same", activation="relu", name=name)


def head(x: Any, classes: int = 5) -> Any:
    return L.Dense(classes, activation="softmax")(L.GlobalAveragePooling2D()(x))


def backbone() -> Any:
    i = L.Input((16, 16, 3))
    return tf_keras.Model(i, conv("c2", 12)(L.MaxPooling2D()(conv("c1")(i))), name="backbone")


@kind(X, "c2", (8, 8))
def keras2_functional() -> Any:
    i = L.Input((16, 16, 3))
    return tf_keras.Model(i, head(conv("c2")(L.MaxPooling2D()(conv("c1")(i)))))


@kind(X, "c2", (8, 8))
def keras2_sequential() -> Any:
    return tf_keras.Sequential(
        [L.Input((16, 16, 3)), conv("c1"), L.MaxPooling2D(), conv("c2"), L.Flatten(), L.Dense(5, "softmax")]
    )


@kind(X, "backbone/c2", (8, 8))
def keras2_nested() -> Any:
    i = L.Input((16, 16, 3))
    return tf_keras.Model(i, head(backbone()(i)))


@kind(X, "block/2/conv", (16, 16))
def keras2_slashed_names() -> Any:
    i = L.Input((16, 16, 3))
    return tf_keras.Model(i, head(conv("block/2/conv")(conv("block/1/conv")(i))))


@kind(X, "tf.nn.relu", (16, 16))
def keras2_operations() -> Any:
    tf_keras.backend.reset_uids()  # or another test's operation has the name
    i = L.Input((16, 16, 3))
    x = tf.nn.relu(conv("c")(i) * 2.0 + 1.0)
    return tf_keras.Model(i, head(x))


class Branching(tf_keras.Model):
    """Branches on a tensor's value: Keras 2 runs `call` through AutoGraph."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv("c1"), conv("c2")
        self.pool, self.last = L.GlobalAveragePooling2D(), L.Dense(5)

    def call(self, x: Any, training: bool | None = None) -> Any:
        x = self.first(x)
        if tf.reduce_sum(x) > 0:
            x = x * 2.0
        for _ in tf.range(2):
            x = x + 0.5
        return tf.nn.softmax(self.last(self.pool(self.second(x))))


@kind(X, "c2", (16, 16))
def keras2_subclassed() -> Any:
    model = Branching()
    model(X)
    return model


@kind([X, noise(4)], "c2", (16, 16))
def keras2_image_and_table() -> Any:
    i, t = L.Input((16, 16, 3)), L.Input((4,))
    x = L.Concatenate()([L.GlobalAveragePooling2D()(conv("c2")(i)), L.Dense(4)(t)])
    return tf_keras.Model([i, t], L.Dense(5, activation="softmax")(x))


@kind(X, "c2", (16, 16))
def keras2_mixed_float16() -> Any:
    tf_keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        i = L.Input((16, 16, 3))
        x = L.GlobalAveragePooling2D()(conv("c2")(conv("c1")(i)))
        return tf_keras.Model(i, L.Dense(5, activation="softmax", dtype="float32")(x))
    finally:
        tf_keras.mixed_precision.set_global_policy("float32")


@kind(noise(4, 16, 16, 3), "frames", (4, 16, 16))
def keras2_video() -> Any:
    i = L.Input((4, 16, 16, 3))
    x = L.TimeDistributed(conv("c2"), name="frames")(i)
    x = L.LSTM(8)(L.TimeDistributed(L.GlobalAveragePooling2D())(x))
    return tf_keras.Model(i, L.Dense(5, activation="softmax")(x))
