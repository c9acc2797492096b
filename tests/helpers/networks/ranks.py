"""More kinds of models: other channels, ranks, precisions and shapes."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

from helpers.networks.kinds import X, conv, gap, kind, noise


class ConvFirst(L.Layer):
    """A channels-first convolution that also runs where TensorFlow's own does not: on a CPU."""

    data_format = "channels_first"

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.inner = conv("inner")

    def build(self, shape: Any) -> None:
        self.inner.build((None, *shape[2:], shape[1]))

    def call(self, x: Any) -> Any:
        return ops.transpose(self.inner(ops.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


@kind(noise(3, 12, 16), "c2", (12, 16))
def channels_first() -> Any:
    i = L.Input((3, 12, 16))
    x = ConvFirst(name="c2")(ConvFirst(name="c1")(i))
    x = L.GlobalAveragePooling2D(data_format="channels_first")(x)
    return keras.Model(i, L.Dense(5, activation="softmax")(x))


@kind(noise(16, 16, 1), "c2", (16, 16))
def grayscale() -> Any:
    i = L.Input((16, 16, 1))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(conv("c2")(conv("c1")(i)))))


@kind(noise(16, 16, 8), "c2", (16, 16))
def eight_channels() -> Any:
    i = L.Input((16, 16, 8))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(conv("c2")(conv("c1")(i)))))


@kind(noise(64, 4), "c2", (32,))
def signal() -> Any:
    i = L.Input((64, 4))
    x = L.MaxPooling1D()(L.Conv1D(8, 5, padding="same", activation="relu", name="c1")(i))
    x = L.Conv1D(8, 5, padding="same", activation="relu", name="c2")(x)
    return keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling1D()(x)))


@kind(noise(8, 12, 10, 1), "c2", (4, 6, 5))
def volume() -> Any:
    i = L.Input((8, 12, 10, 1))
    x = L.MaxPooling3D()(L.Conv3D(4, 3, padding="same", activation="relu", name="c1")(i))
    x = L.Conv3D(6, 3, padding="same", activation="relu", name="c2")(x)
    return keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling3D()(x)))


@kind(noise(4, 16, 16, 3), "frames", (4, 8, 8))
def time_distributed() -> Any:
    i = L.Input((4, 16, 16, 3))
    x = L.TimeDistributed(L.MaxPooling2D())(L.TimeDistributed(conv("c1"), name="first")(i))
    x = L.TimeDistributed(conv("c2"), name="frames")(x)
    x = L.GlobalAveragePooling3D()(x)
    return keras.Model(i, L.Dense(5, activation="softmax")(x))


@kind(noise(4, 16, 16, 3), "over_time/encoder/c2", (4, 8, 8))
def cnn_lstm() -> Any:
    j = L.Input((16, 16, 3))
    encoder = keras.Model(j, gap(conv("c2")(L.MaxPooling2D()(conv("c1")(j)))), name="encoder")
    i = L.Input((4, 16, 16, 3))
    x = L.LSTM(8)(L.TimeDistributed(encoder, name="over_time")(i))
    return keras.Model(i, L.Dense(5, activation="softmax")(x))


def _mixed(policy: str) -> Any:
    keras.mixed_precision.set_global_policy(policy)
    try:
        i = L.Input((16, 16, 3))
        x = gap(conv("c2")(conv("c1")(i)))
        return keras.Model(i, L.Dense(5, activation="softmax", dtype="float32")(x))
    finally:
        keras.mixed_precision.set_global_policy("float32")


@kind(X, "c2", (16, 16))
def mixed_float16() -> Any:
    return _mixed("mixed_float16")


@kind(X, "c2", (16, 16))
def mixed_bfloat16() -> Any:
    return _mixed("mixed_bfloat16")


@kind(noise(12, 20, 3), "c2", (6, 10))
def non_square() -> Any:
    i = L.Input((12, 20, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(conv("c2")(x))))


@kind(noise(18, 26, 3), "c2", (9, 13))
def variable_size() -> Any:
    i = L.Input((None, None, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(conv("c2")(x))))


@kind(X, "c2", (16, 16))
def dead_last_layer() -> Any:
    i = L.Input((16, 16, 3))
    dead = conv("c2", bias_initializer=keras.initializers.Constant(-100.0))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(dead(conv("c1")(i)))))


@kind(X, ("c#0", "c#1"), (16, 16))
def shared_weights() -> Any:
    i = L.Input((16, 16, 3))
    shared = conv("c")
    x = L.Subtract()([gap(shared(i)), gap(shared(i * 0.5))])
    return keras.Model(i, L.Dense(5, activation="softmax")(x))


@kind(X, "add", (8, 8))
def residual() -> Any:
    i = L.Input((16, 16, 3))
    x = L.MaxPooling2D()(conv("c1", 8)(i))
    x = L.Add(name="add")([x, conv("c2", 8)(x)])
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))


@kind(X, "bottleneck", (8, 8))
def unet() -> Any:
    i = L.Input((16, 16, 3))
    a = conv("e1")(i)
    b = conv("bottleneck", 12)(L.MaxPooling2D()(a))
    c = conv("d1")(L.Concatenate()([a, L.UpSampling2D()(b)]))
    return keras.Model(i, L.Conv2D(3, 1, activation="softmax", name="logits")(c))
