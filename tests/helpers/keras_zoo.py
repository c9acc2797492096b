"""Small Keras models that every backend builds alike: their weights are drawn by NumPy, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops as K  # noqa: N812

ZOO: dict[str, Callable[[], Any]] = {}
"""Name -> a new model."""


def known(build: Callable[[], Any]) -> Callable[[], Any]:
    ZOO[build.__name__] = build
    return build


def model_of(name: str) -> Any:
    """Return a model of the zoo with its weights."""
    keras.backend.clear_session()
    model = ZOO[name]()
    draw = np.random.default_rng(1)
    for layer in model._flatten_layers():
        for weight in layer.__dict__.get("_trainable_variables", []):
            shape = tuple(weight.shape)
            scale = (2 / max(1, int(np.prod(shape[:-1])))) ** 0.5 if len(shape) > 1 else 0.1
            drawn = draw.normal(size=shape).astype(np.float32) * np.float32(scale)
            weight.assign(drawn + np.float32(weight.name in ("gamma", "scale")))
        for weight in layer.__dict__.get("_non_trainable_variables", []):
            if weight.name in ("moving_mean", "moving_variance"):
                drawn = draw.uniform(0.5, 1.5, tuple(weight.shape)).astype(np.float32)
                weight.assign(drawn - np.float32(weight.name == "moving_mean"))
    return model


def inputs_of(model: Any) -> list[np.ndarray]:
    """Return one picture, and what else the model takes."""
    draw = np.random.default_rng(2)
    shapes = (
        [tuple(one.shape[1:]) for one in model.inputs] if getattr(model, "inputs", None) else [(24, 24, 3)]
    )
    return [draw.uniform(0, 1, (1, *shape)).astype(np.float32) for shape in shapes]


# ---- the models


@known
def nested() -> Any:
    inner = L.Input((24, 24, 3))
    y = L.Conv2D(8, 3, padding="same", activation="relu", name="c1")(inner)
    z = L.BatchNormalization(name="bn")(L.Conv2D(8, 3, padding="same", name="c2")(y))
    z = L.ReLU(name="r")(L.Add(name="add")([y, z]))
    backbone = keras.Model(inner, L.MaxPooling2D(name="pool")(z), name="backbone")
    i = L.Input((24, 24, 3))
    h = L.Conv2D(16, 3, padding="same", activation="relu", name="top")(backbone(i))
    return keras.Model(
        i, L.Dense(5, activation="softmax", name="out")(L.GlobalAveragePooling2D(name="gap")(h))
    )


@known
def sequential() -> Any:
    return keras.Sequential(
        [
            L.Input((24, 24, 3)),
            L.Rescaling(2.0, -1.0),
            L.Conv2D(6, 3, strides=2, activation="relu", name="a"),
            L.DepthwiseConv2D(3, padding="same", name="dw"),
            L.Activation("gelu", name="gelu"),
            L.AveragePooling2D(2, name="avg"),
            L.Dropout(0.5, name="drop"),
            L.Flatten(name="flat"),
            L.Dense(4, name="logits"),
            L.Softmax(name="soft"),
        ]
    )


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="subclassed")
        self.c1 = L.Conv2D(6, 3, padding="same", activation="relu", name="c1")
        self.c2 = L.Conv2D(6, 3, padding="same", name="c2")
        self.twice = L.Conv2D(6, 1, name="twice")
        self.d = L.Dense(4, name="d")

    def call(self, x: Any) -> Any:
        y = self.c1(x)
        y = self.twice(self.twice(K.relu(self.c2(y)) + y))
        return self.d(K.mean(y, axis=(1, 2)))


@known
def subclassed() -> Any:
    model = Subclassed()
    model(np.zeros((1, 24, 24, 3), np.float32))
    return model


class AddToken(L.Layer):
    def build(self, shape: Any) -> None:
        self.token = self.add_weight(shape=(1, 1, shape[-1]), name="token", initializer="zeros")
        self.place = self.add_weight(shape=(1, shape[1] + 1, shape[-1]), name="place", initializer="zeros")

    def call(self, x: Any) -> Any:
        token = K.broadcast_to(self.token, (K.shape(x)[0], 1, x.shape[-1]))
        return K.concatenate([token, x], axis=1) + self.place


class First(L.Layer):
    def call(self, x: Any) -> Any:
        return x[:, 0]


@known
def vit() -> Any:
    i = L.Input((32, 32, 3))
    x = L.Conv2D(12, 8, strides=8, name="embed")(i)
    x = AddToken(name="tokens")(L.Reshape((16, 12), name="flat")(x))
    for n in range(2):
        y = L.LayerNormalization(name=f"n{n}")(x)
        x = L.Add(name=f"a{n}")([x, L.MultiHeadAttention(2, 6, name=f"att{n}")(y, y)])
        y = L.Dense(12, name=f"m{n}b")(
            L.Dense(24, activation="gelu", name=f"m{n}a")(L.LayerNormalization(name=f"l{n}")(x))
        )
        x = L.Add(name=f"b{n}")([x, y])
    return keras.Model(i, L.Dense(5, name="head")(First(name="first")(L.LayerNormalization(name="norm")(x))))


@known
def dense_output() -> Any:
    i = L.Input((24, 24, 3))
    a = L.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="down")(i)
    b = L.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="bottom")(a)
    c = L.Conv2DTranspose(6, 3, strides=2, padding="same", activation="relu", name="up")(b)
    d = L.UpSampling2D(2, interpolation="bilinear", name="wide")(L.Concatenate(name="join")([a, c]))
    return keras.Model(i, L.Conv2D(3, 1, activation="softmax", name="classes")(d))


@known
def several() -> Any:
    i, j = L.Input((24, 24, 3), name="picture"), L.Input((4,), name="facts")
    x = L.Conv2D(6, 3, activation="relu", name="c")(i)
    x = L.MaxPooling2D(3, strides=2, padding="same", name="p")(x)
    v = L.Concatenate(name="j")([L.GlobalMaxPooling2D(name="g")(x), L.Dense(3, name="f")(j)])
    return keras.Model(
        [i, j],
        [L.Dense(3, activation="softmax", name="kind")(v), L.Dense(2, activation="sigmoid", name="has")(v)],
    )


@known
def heads_joined() -> Any:
    i = L.Input((24, 24, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="relu", name="c")(i))
    return keras.Model(
        i,
        L.Concatenate(name="all")([L.Dense(3, activation="softmax")(x), L.Dense(2, activation="softmax")(x)]),
    )


@known
def averaged() -> Any:
    i = L.Input((24, 24, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="relu", name="c")(i))
    return keras.Model(
        i, L.Average(name="avg")([L.Dense(3, activation="softmax")(x), L.Dense(3, activation="softmax")(x)])
    )


@known
def one_value() -> Any:
    i = L.Input((24, 24, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="silu", name="c")(i))
    return keras.Model(i, L.Dense(1, activation="sigmoid")(x))


@known
def log_softmax() -> Any:
    i = L.Input((24, 24, 3))
    x = L.GlobalAveragePooling2D()(L.Conv2D(6, 3, activation="leaky_relu", name="c")(i))
    return keras.Model(i, L.Dense(4, activation="log_softmax")(x))


@known
def windows() -> Any:
    """Windows folded into the batch and unfolded, rolled by half of one: as Swin has it."""
    i = L.Input((32, 32, 3))
    x = L.Conv2D(8, 4, strides=4, name="embed")(i)

    class Windows(L.Layer):
        def compute_output_shape(self, shape: Any) -> Any:
            return (None, 16, 8)

        def call(self, x: Any) -> Any:
            x = K.roll(x, (-2, -2), axis=(1, 2))
            x = K.reshape(x, (-1, 2, 4, 2, 4, 8))
            return K.reshape(K.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, 16, 8))

    class Back(L.Layer):
        def compute_output_shape(self, shape: Any) -> Any:
            return (None, 8, 8, 8)

        def call(self, x: Any) -> Any:
            x = K.transpose(K.reshape(x, (-1, 2, 2, 4, 4, 8)), (0, 1, 3, 2, 4, 5))
            return K.roll(K.reshape(x, (-1, 8, 8, 8)), (2, 2), axis=(1, 2))

    y = Windows(name="cut")(x)
    y = L.MultiHeadAttention(2, 4, name="att")(y, y)
    y = Back(name="back")(y)
    x = L.LayerNormalization(name="norm")(L.Add(name="sum")([x, y]))
    return keras.Model(i, L.Dense(4, name="head")(L.GlobalAveragePooling2D(name="gap")(x)))


@known
def recurrent() -> Any:
    i = L.Input((24, 12))
    x = L.Conv1D(6, 3, strides=2, padding="same", activation="relu", name="c")(i)
    x = L.LSTM(5, return_sequences=True, name="lstm")(x)
    return keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling1D()(x)))


@known
def over_time() -> Any:
    i = L.Input((4, 12, 12, 3))
    x = L.TimeDistributed(L.Conv2D(5, 3, activation="relu", name="inner"), name="each")(i)
    x = L.Conv3D(6, 2, activation="relu", name="c3")(x)
    return keras.Model(i, L.Dense(3, activation="softmax")(L.GlobalAveragePooling3D()(x)))


@known
def scaled() -> Any:
    """ConvNeXt's block, squeeze and excitation, and a padding in front."""
    i = L.Input((28, 28, 3))
    x = L.LayerNormalization(epsilon=1e-6, name="ln0")(L.Conv2D(8, 4, strides=4, name="stem")(i))
    y = L.DepthwiseConv2D(7, padding="same", name="dw")(x)
    y = L.Dense(16, activation="gelu", name="p1")(L.LayerNormalization(name="ln")(y))
    x = L.Add(name="add")([x, L.Dense(8, name="p2")(y)])
    s = L.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    x = L.Multiply(name="excite")([x, L.Conv2D(8, 1, activation="sigmoid", name="gate")(s)])
    x = L.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(x)
    x = L.Conv2D(8, 3, strides=2, use_bias=False, name="last")(x)
    return keras.Model(i, L.Dense(4, name="head")(L.GlobalAveragePooling2D(name="gap")(x)))


@known
def mobilenet() -> Any:
    return keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), classes=7, alpha=0.35)


MAPPED = ("nested", "sequential", "subclassed", "vit", "scaled", "mobilenet")
"""Models whose maps are kept."""
