"""More ways to put a model together: other inputs, layers with habits, compiled, frozen, quantized."""

from __future__ import annotations

import warnings
from typing import Any

import keras
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

from helpers.networks.kinds import X, backbone, conv, gap, kind, noise


class Features(keras.Model):
    """A subclassed backbone."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.first, self.second, self.pool = conv("c1"), conv("c2", 12), L.MaxPooling2D()

    def call(self, x: Any) -> Any:
        return self.second(self.pool(self.first(x)))


@kind(X, "features/c2", (8, 8))
def subclassed_in_functional() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(Features(name="features")(i))))


@kind((X, noise(4)), "c2", (16, 16))
def tuple_inputs() -> Any:
    i, t = L.Input((16, 16, 3)), L.Input((4,))
    x = L.Concatenate()([gap(conv("c2")(i)), L.Dense(4)(t)])
    return keras.Model((i, t), L.Dense(5, activation="softmax")(x))


@kind([X, noise(12, 20, 1)], "left", (16, 16))
def two_images() -> Any:
    """Two pictures of other sizes and channels, a branch for each; the first is explained."""
    a, b = L.Input((16, 16, 3)), L.Input((12, 20, 1))
    x = L.Concatenate()([gap(conv("right")(b)), gap(conv("left")(a))])
    return keras.Model([a, b], L.Dense(5, activation="softmax")(x))


@kind(X, "backbone/c2", (8, 8))
def frozen() -> Any:
    i = L.Input((16, 16, 3))
    model = keras.Model(i, L.Dense(5, activation="softmax")(gap(backbone()(i))))
    model.trainable = False
    return model


@kind(X, "bn", (16, 16))
def compiled_and_fitted() -> Any:
    """With an optimizer, a metric and an activity regularizer, after a step of training."""
    i = L.Input((16, 16, 3))
    x = conv("c2", activity_regularizer="l2")(L.Dropout(0.5)(conv("c1")(i)))
    model = keras.Model(i, L.Dense(5, activation="softmax")(gap(L.BatchNormalization(name="bn")(x))))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, ops.zeros(2), verbose=0)
    return model


class Keeper(L.Layer):
    """Keeps what it saw last, in an attribute, a list and a dict, as layers that show attention do."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.last: Any = None
        self.seen: dict[str, Any] = {}
        self.history: list[Any] = []

    def call(self, x: Any) -> Any:
        self.last = x
        self.seen["last"] = x
        self.history.append(x)
        return x * 1.0


@kind(X, "keeper", (16, 16))
def layer_that_keeps_tensors() -> Any:
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(Keeper(name="keeper")(conv("c2")(i)))))


@kind(X, "c2", (8, 8))
def rematerialised() -> Any:
    with keras.RematScope(mode="full"):
        i = L.Input((16, 16, 3))
        x = L.MaxPooling2D()(conv("c1")(i))
        return keras.Model(i, L.Dense(5, activation="softmax")(gap(conv("c2", 12)(x))))


@kind(X, "mixer", (16, 16))
def quantized_int8() -> Any:
    i = L.Input((16, 16, 3))
    x = L.Dense(8, activation="relu", name="mixer")(conv("c1")(i))
    model = keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # which layers have no quantized form
        model.quantize("int8")
    return model


class ClosedBatch(L.Layer):
    """Needs to know the batch size while it is traced."""

    def call(self, x: Any) -> Any:
        n, h, w, c = x.shape
        if n is None:
            raise ValueError("this layer needs a closed batch axis")
        return ops.reshape(ops.reshape(x, (n * h * w, c)) * 2.0, (n, h, w, c))

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


@kind(X, "closed", (16, 16))
def closed_batch() -> Any:
    """A layer that cannot be traced with an open batch: one picture at a time, with a note."""
    i = L.Input((16, 16, 3))
    return keras.Model(i, L.Dense(5, activation="softmax")(gap(ClosedBatch(name="closed")(conv("c2")(i)))))


class Headed(keras.Model):
    """Several named outputs from `call`."""

    def __init__(self) -> None:
        super().__init__()
        self.kind, self.size = L.Dense(3, name="kind"), L.Dense(1, name="size")
        self.features = conv("features")

    def call(self, x: Any) -> Any:
        x = self.features(x)
        pooled = ops.mean(x, (1, 2))
        return {"size": self.size(pooled), "kind": ops.softmax(self.kind(pooled)), "mask": x}


@kind(X, "features", (16, 16))
def subclassed_dict_outputs() -> Any:
    model = Headed()
    model(X)
    return model


class Branch(L.Layer):
    """Asks for a tensor's value: runs eagerly, and in a graph only through AutoGraph."""

    def call(self, x: Any) -> Any:
        if ops.sum(x) > 0:
            x = x * 2.0
        return x + 0.5


class Branching(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.branch, self.head = conv("c2"), Branch(name="branch"), L.Dense(5)

    def call(self, x: Any) -> Any:
        return ops.softmax(self.head(ops.mean(self.branch(self.first(x)), (1, 2))))


@kind(X, "branch", (16, 16))
def branching_on_values() -> Any:
    model = Branching()
    model(X)
    return model
