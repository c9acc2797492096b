"""Token models: vision transformers and their relatives, small."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

from helpers.networks.kinds import conv, gap, kind, noise

VIEW = noise(32, 48, 3)


class Prefix(L.Layer):
    """Learned tokens put before the patches: a class token, registers."""

    def __init__(self, count: int = 1, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.count = count

    def build(self, shape: Any) -> None:
        self.tokens = self.add_weight(shape=(1, self.count, shape[-1]), name="tokens")

    def call(self, x: Any) -> Any:
        lead = ops.broadcast_to(self.tokens, (ops.shape(x)[0], self.count, x.shape[-1]))
        return ops.concatenate([lead, x], 1)


class Positions(L.Layer):
    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=(1, *shape[1:]), name="table")

    def call(self, x: Any) -> Any:
        return x + self.table


class Patches(L.Layer):
    """keras.io's patch layer: no convolution, patches cut by an operation inside `call`."""

    def __init__(self, size: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.size = size

    def call(self, x: Any) -> Any:
        patches = ops.image.extract_patches(x, size=self.size)
        count = (x.shape[1] // self.size) * (x.shape[2] // self.size)
        return ops.reshape(patches, (ops.shape(x)[0], count, self.size * self.size * x.shape[-1]))


class Reshaped(L.Layer):
    """Patches cut by reshapes alone."""

    def __init__(self, size: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.size = size

    def call(self, x: Any) -> Any:
        height, width, channels = x.shape[1:]
        n, p = ops.shape(x)[0], self.size
        x = ops.reshape(x, (n, height // p, p, width // p, p, channels))
        return ops.reshape(
            ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, height * width // p**2, p * p * channels)
        )


def blocks(x: Any, count: int = 2, width: int = 16) -> Any:
    for b in range(count):
        y = L.LayerNormalization(name=f"b{b}_ln1")(x)
        y = L.MultiHeadAttention(2, 8, name=f"b{b}_mha")(y, y)
        x = L.Add(name=f"b{b}_add1")([x, y])
        y = L.LayerNormalization(name=f"b{b}_ln2")(x)
        y = L.Dense(width, name=f"b{b}_fc2")(L.Dense(32, activation="gelu", name=f"b{b}_fc1")(y))
        x = L.Add(name=f"b{b}_add2")([x, y])
    return L.LayerNormalization(name="ln_f")(x)


def embed(i: Any) -> Any:
    p = L.Conv2D(16, 8, strides=8, name="patch_embed")(i)
    return L.Reshape((24, 16))(p)


@kind(VIEW, "ln_f", (4, 6))
def vit() -> Any:
    i = L.Input((32, 48, 3))
    x = blocks(Positions()(embed(i)))
    return keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling1D()(x)))


@kind(VIEW, "b1_ln1", (4, 6))
def vit_class_token() -> Any:
    i = L.Input((32, 48, 3))
    x = blocks(Positions()(Prefix()(embed(i))))
    return keras.Model(i, L.Dense(5, activation="softmax")(x[:, 0]))


@kind(VIEW, "b1_ln1", (4, 6))
def vit_registers() -> Any:
    i = L.Input((32, 48, 3))
    x = blocks(Positions()(Prefix(5)(embed(i))))
    return keras.Model(i, L.Dense(5, activation="softmax")(x[:, 0]))


@kind(VIEW, "ln_f", (4, 6))
def vit_keras_io() -> Any:
    i = L.Input((32, 48, 3))
    x = blocks(Positions()(L.Dense(16)(Patches(8)(i))))
    return keras.Model(i, L.Dense(5, activation="softmax")(L.Flatten()(x)))


@kind(VIEW, "ln_f", (4, 6))
def vit_reshaped() -> Any:
    i = L.Input((32, 48, 3))
    x = blocks(Positions()(L.Dense(16)(Reshaped(8)(i))))
    return keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling1D()(x)))


class Windows(L.Layer):
    """Attention inside windows folded into the batch, then unfolded."""

    def __init__(self, grid: tuple[int, int], window: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.grid, self.window = grid, window
        self.norm = L.LayerNormalization(name="norm")
        self.attention = L.MultiHeadAttention(2, 8, name="attention")

    def build(self, shape: Any) -> None:
        self.norm.build((None, self.window**2, shape[-1]))
        self.attention.build((None, self.window**2, shape[-1]), (None, self.window**2, shape[-1]))

    def call(self, x: Any) -> Any:
        (gh, gw), w, c = self.grid, self.window, x.shape[-1]
        n = ops.shape(x)[0]
        y = ops.reshape(x, (n, gh // w, w, gw // w, w, c))
        y = ops.reshape(ops.transpose(y, (0, 1, 3, 2, 4, 5)), (-1, w * w, c))
        y = self.norm(y)
        y = self.attention(y, y)
        y = ops.reshape(y, (n, gh // w, gw // w, w, w, c))
        y = ops.reshape(ops.transpose(y, (0, 1, 3, 2, 4, 5)), (n, gh * gw, c))
        return x + y


class Merge(L.Layer):
    """Patch merging: four neighbouring tokens become one."""

    def __init__(self, grid: tuple[int, int], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.grid = grid
        self.reduce = L.Dense(24, name="reduce")

    def build(self, shape: Any) -> None:
        self.reduce.build((None, None, 4 * shape[-1]))

    def call(self, x: Any) -> Any:
        (gh, gw), c = self.grid, x.shape[-1]
        n = ops.shape(x)[0]
        x = ops.reshape(x, (n, gh // 2, 2, gw // 2, 2, c))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, gh * gw // 4, 4 * c))
        return self.reduce(x)


@kind(VIEW, "ln_f", (4, 6))
def swin() -> Any:
    i = L.Input((32, 48, 3))
    x = L.Reshape((96, 16))(L.Conv2D(16, 4, strides=4, name="patch_embed")(i))
    x = Windows((8, 12), 4, name="stage1")(x)
    x = Merge((8, 12), name="merge")(x)
    x = Windows((4, 6), 2, name="stage2")(x)
    x = L.LayerNormalization(name="ln_f")(x)
    return keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling1D()(x)))


@kind(noise(32, 32, 3), ("add_last", "add"), (8, 8))
def convnext() -> Any:
    i = L.Input((32, 32, 3))
    x = L.LayerNormalization()(L.Conv2D(12, 4, strides=4, name="stem")(i))
    for b in range(2):
        y = L.DepthwiseConv2D(3, padding="same", name=f"b{b}_dw")(x)
        y = L.Dense(12, name=f"b{b}_pw2")(L.Dense(24, activation="gelu", name=f"b{b}_pw1")(y))
        x = L.Add(name="add_last" if b else "add_first")([x, y])
    x = L.LayerNormalization()(gap(x))
    return keras.Model(i, L.Dense(5, activation="softmax")(x))


@kind(noise(32, 32, 3), "mha", (8, 8))
def attention_head() -> Any:
    i = L.Input((32, 32, 3))
    x = L.Conv2D(8, 3, strides=4, padding="same", activation="relu", name="feat")(i)
    t = L.Reshape((64, 8))(x)
    t = L.MultiHeadAttention(2, 4, name="mha")(t, t)
    return keras.Model(i, L.Dense(5, activation="softmax")(L.GlobalAveragePooling1D()(t)))


@kind(noise(32, 32, 3), "scaled", (32, 32))
def squeeze_excite() -> Any:
    i = L.Input((32, 32, 3))
    x = conv("c1")(i)
    s = L.Conv2D(8, 1, activation="sigmoid", name="se")(L.GlobalAveragePooling2D(keepdims=True)(x))
    return keras.Model(i, L.Dense(5)(gap(L.Multiply(name="scaled")([x, s]))))
