"""Small models of every kind people have, each with an input, and the layer `auto` should take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import keras
import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops


@attrs.frozen(eq=False)
class Kind:
    """One kind of model.

    Attributes:
        build: makes the model.
        image: its input for two pictures, as `explain` takes it.
        auto: path that `layer="auto"` should take, or a tuple of acceptable ones.
        grid: the grid there.
    """

    build: Callable[[], Any]
    image: Any
    auto: str | tuple[str, ...]
    grid: tuple[int, ...]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(7).random((2, *shape), dtype=np.float32)


KINDS: dict[str, Kind] = {}


def kind(
    image: Any, auto: str | tuple[str, ...], grid: tuple[int, ...]
) -> Callable[[Callable[[], Any]], Any]:
    def register(build: Callable[[], Any]) -> Callable[[], Any]:
        KINDS[build.__name__] = Kind(build, image, auto, grid)
        return build

    return register


def gap(x: Any) -> Any:
    return L.GlobalAveragePooling2D()(x)


def conv(name: str, filters: int = 8, **keywords: Any) -> L.Layer:
    return L.Conv2D(filters, 3, padding="same", activation="relu", name=name, **keywords)


def backbone(name: str = "backbone", size: int = 16) -> keras.Model:
    i = L.Input((size, size, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, conv("c2", 12)(x), name=name)


X = noise(16, 16, 3)


@kind(X, "c2", (8, 8))
def functional() -> Any:
    i = L.Input((16, 16, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(conv("c2", 12)(x))))


@kind(X, "c2", (8, 8))
def logits_head() -> Any:
    i = L.Input((16, 16, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, L.Dense(5)(gap(conv("c2", 12)(x))))


@kind(X, "c2", (8, 8))
def softmax_layer() -> Any:
    i = L.Input((16, 16, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, L.Softmax()(L.Dense(5)(gap(conv("c2", 12)(x)))))


@kind(X, "c2", (8, 8))
def activation_layer() -> Any:
    i = L.Input((16, 16, 3))
    x = L.MaxPooling2D()(conv("c1")(i))
    return keras.Model(i, L.Activation("softmax")(L.Dense(5)(gap(conv("c2", 12)(x)))))


@kind(X, "c2", (8, 8))
def sequential() -> Any:
    return keras.Sequential(
        [L.Input((16, 16, 3)), conv("c1"), L.MaxPooling2D(), conv("c2"), L.Flatten(), L.Dense(5, "softmax")]
    )


@kind(X, "c2", (8, 8))
def sequential_called() -> Any:
    model = keras.Sequential([conv("c1"), L.MaxPooling2D(), conv("c2"), L.Flatten(), L.Dense(5, "softmax")])
    model(X)
    return model


@kind(X, "c3", (8, 8))
def sequential_changed() -> Any:
    model = keras.Sequential([L.Input((16, 16, 3)), conv("c1"), L.MaxPooling2D(), conv("c2"), L.Dense(2)])
    model.pop()
    for layer in (conv("c3"), L.GlobalMaxPooling2D(), L.Dense(5, "softmax")):
        model.add(layer)
    return model


@kind(X, "c2", (8, 8))
def cloned() -> Any:
    return keras.models.clone_model(functional())


@kind(X, "backbone/c2", (8, 8))
def nested() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(backbone()(i))))


@kind(X, "backbone/c2", (8, 8))
def functional_in_sequential() -> Any:
    return keras.Sequential(
        [L.Input((16, 16, 3)), backbone(), L.GlobalAveragePooling2D(), L.Dense(5, activation="softmax")]
    )


@kind(X * 255, "backbone/c2", (8, 8))
def transfer_learning() -> Any:
    i = L.Input((16, 16, 3))
    x = L.RandomRotation(0.1)(L.RandomFlip()(i))
    x = L.Rescaling(1 / 127.5, -1.0)(x)
    frozen = backbone()
    frozen.trainable = False
    x = L.Dropout(0.2)(gap(frozen(x, training=False)))
    return keras.Model(i, L.Dense(5, activation="softmax")(x))


@kind(X, "outer/middle/backbone/c2", (8, 8))
def three_deep() -> Any:
    i = L.Input((16, 16, 3))
    middle = keras.Model(i, backbone()(i), name="middle")
    i = L.Input((16, 16, 3))
    outer = keras.Model(i, middle(i), name="outer")
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(outer(i))))


@kind(X, "block.2.conv", (16, 16))
def dotted_names() -> Any:
    i = L.Input((16, 16, 3))
    x = conv("block.2.conv")(conv("block.1.conv")(i))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))


@kind([X, X[::-1].copy()], ("backbone/c2#0", "backbone/c2#1"), (8, 8))
def siamese() -> Any:
    a, b, shared = L.Input((16, 16, 3)), L.Input((16, 16, 3)), backbone()
    x = L.Subtract()([gap(shared(a)), gap(shared(b))])
    return keras.Model([a, b], L.Dense(1, activation="sigmoid")(x))


class Subclassed(keras.Model):
    """Layers in a list and an attribute, softmax inside `call`."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [conv("c1"), conv("c2", 12)]
        self.pool = L.GlobalAveragePooling2D()
        self.head = L.Dense(5)

    def call(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return ops.softmax(self.head(self.pool(x)))


@kind(X, "c2", (16, 16))
def subclassed() -> Any:
    model = Subclassed()
    model(X)
    return model


class Block(L.Layer):
    """A custom layer with layers inside."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.inner = conv("inner")
        self.norm = L.BatchNormalization(name="norm")

    def build(self, shape: Any) -> None:
        self.inner.build(shape)
        self.norm.build((*shape[:-1], 8))

    def call(self, x: Any) -> Any:
        return ops.relu(self.norm(self.inner(x)))


@kind(X, "block", (16, 16))
def custom_layer() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(Block(name="block")(i))))


@kind([X, noise(4)], "c2", (16, 16))
def image_and_table() -> Any:
    i, t = L.Input((16, 16, 3)), L.Input((4,))
    x = L.Concatenate()([gap(conv("c2")(i)), L.Dense(4)(t)])
    return keras.Model([i, t], L.Dense(5, activation="softmax")(x))


@kind({"picture": X, "table": noise(4)}, "c2", (16, 16))
def dict_inputs() -> Any:
    i, t = L.Input((16, 16, 3), name="picture"), L.Input((4,), name="table")
    x = L.Concatenate()([gap(conv("c2")(i)), L.Dense(4)(t)])
    return keras.Model({"picture": i, "table": t}, L.Dense(5, activation="softmax")(x))


@kind(X, "c2", (16, 16))
def two_outputs() -> Any:
    i = L.Input((16, 16, 3))
    x = gap(conv("c2")(conv("c1")(i)))
    return keras.Model(i, [L.Dense(5, activation="softmax", name="kind")(x), L.Dense(2, name="size")(x)])


@kind(X, "c2", (16, 16))
def dict_outputs() -> Any:
    i = L.Input((16, 16, 3))
    x = gap(conv("c2")(conv("c1")(i)))
    outputs = {"kind": L.Dense(5, activation="softmax", name="kind")(x), "size": L.Dense(2, name="size")(x)}
    return keras.Model(i, outputs)


@kind(X, "c2", (16, 16))
def one_sigmoid() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(1, activation="sigmoid")(gap(conv("c2")(conv("c1")(i)))))


@kind(X, "c2", (16, 16))
def multi_label() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(4, activation="sigmoid")(gap(conv("c2")(conv("c1")(i)))))


@kind(X, "c2", (16, 16))
def regression() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(1)(gap(conv("c2")(conv("c1")(i)))))
