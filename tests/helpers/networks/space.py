"""Kinds of models whose positions are columns, rows, bins or none of the picture's."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

from helpers.networks.kinds import conv, kind, noise


class Queries(L.Layer):
    """Learned vectors, the same for every picture: latents of a Perceiver, queries of a detector."""

    def __init__(self, count: int, width: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.count, self.width = count, width

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=(1, self.count, self.width), initializer="normal", name="table")

    def call(self, x: Any) -> Any:
        return ops.broadcast_to(self.table, (ops.shape(x)[0], self.count, self.width))


def attended(x: Any, name: str) -> Any:
    """Return one block of a transformer, normalised before each half."""
    width = x.shape[-1]
    y = L.LayerNormalization(name=f"{name}_ln1")(x)
    x = L.Add(name=f"{name}_add1")([x, L.MultiHeadAttention(2, 8, name=f"{name}_mha")(y, y)])
    y = L.Dense(2 * width, activation="gelu")(L.LayerNormalization(name=f"{name}_ln2")(x))
    return L.Add(name=f"{name}_add2")([x, L.Dense(width)(y)])


def asked(queries: Any, memory: Any, name: str) -> Any:
    """Return learned queries after they looked at a picture's tokens."""
    y = L.Add()([queries, L.MultiHeadAttention(2, 8, name=f"{name}_cross")(queries, memory)])
    return L.LayerNormalization(name=f"{name}_ln")(y)


def columns_of(x: Any) -> Any:
    """Return a map's columns as steps in time, `(N, W, H·K)`."""
    height, width, channels = x.shape[1:]
    return L.Reshape((width, height * channels), name="columns")(L.Permute((2, 1, 3), name="turned")(x))


def head(x: Any) -> Any:
    return L.Dense(5, activation="softmax")(x)


@kind(noise(16, 48, 1), "read", (1, 24))
def crnn() -> Any:
    """A line of text: the map's columns are read by a recurrent layer."""
    i = L.Input((16, 48, 1))
    x = L.MaxPooling2D((2, 2))(conv("c1")(i))
    x = columns_of(L.MaxPooling2D((4, 1))(conv("c2")(x)))
    x = L.GRU(8, return_sequences=True, name="first")(L.Dense(12, activation="relu", name="mixed")(x))
    x = L.GRU(8, return_sequences=True, name="read")(x)
    return keras.Model(i, head(L.GlobalAveragePooling1D()(x)))


@kind(noise(12, 12, 1), "rows", (12, 1))
def row_rnn() -> Any:
    """The rows of a digit, read one after the other."""
    i = L.Input((12, 12, 1))
    x = L.GRU(8, return_sequences=True, name="rows")(L.Reshape((12, 12))(i))
    return keras.Model(i, head(L.GRU(6, name="last")(x)))


@kind(noise(32, 24, 1), "c3", (4, 24))
def spectrogram() -> Any:
    """Frequencies pooled, time kept."""
    i = L.Input((32, 24, 1))
    x = L.MaxPooling2D((4, 1))(conv("c1")(i))
    x = L.MaxPooling2D((2, 1))(conv("c2")(x))
    return keras.Model(i, head(L.GlobalAveragePooling2D()(conv("c3")(x))))


@kind(noise(16, 16, 4, 1), "c3", (4, 4, 4))
def anisotropic_volume() -> Any:
    """Few thick slices: the plane is pooled, the depth is not."""
    i = L.Input((16, 16, 4, 1))
    x = i
    for n in (1, 2, 3):
        x = L.Conv3D(4, (3, 3, 1), padding="same", activation="relu", name=f"c{n}")(x)
        x = x if n == 3 else L.MaxPooling3D((2, 2, 1))(x)
    return keras.Model(i, head(L.GlobalAveragePooling3D()(x)))


@kind(noise(16, 16, 3), "c2", (8, 8))
def perceiver() -> Any:
    """Latents that are not positions; the map that they attend to is explained."""
    i = L.Input((16, 16, 3))
    x = L.Reshape((64, 8))(conv("c2", strides=2)(conv("c1")(i)))
    x = asked(Queries(64, 8, name="latents")(x), x, "latent")
    x = L.LayerNormalization(name="ln_f")(attended(x, "b1"))
    return keras.Model(i, head(L.GlobalAveragePooling1D()(x)))


@kind(noise(16, 24, 3), "enc_add2", (4, 6))
def query_detector() -> Any:
    """A backbone, an encoder over its positions, and queries that are none of them."""
    i = L.Input((16, 24, 3))
    x = L.Reshape((24, 8))(conv("c2", strides=2)(conv("c1", strides=2)(i)))
    q = asked(Queries(10, 8, name="queries")(x), attended(x, "enc"), "dec")
    return keras.Model(i, head(L.GlobalMaxPooling1D()(q)))


@kind(noise(16, 24, 3), "p4", (4, 6))
def two_level_detector() -> Any:
    """Heads at two levels, with two anchors per position, one after the other in the output."""
    i = L.Input((16, 24, 3))
    p3 = conv("p3", strides=2)(i)
    p4 = conv("p4", strides=2)(p3)
    heads = [L.Conv2D(2 * 3, 3, padding="same", name=f"head{n}")(p) for n, p in ((3, p3), (4, p4))]
    return keras.Model(i, L.Concatenate(axis=1)([L.Reshape((-1, 3))(one) for one in heads]))
