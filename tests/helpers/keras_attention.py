"""Small transformers of Keras."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from helpers.attention import BLOCKS, HEADS, WIDTH, weights


class Tokens(layers.Layer):
    """Puts a class token in front of the patches, and positions on all."""

    def build(self, shape: Any) -> None:
        self.cls = self.add_weight(shape=(WIDTH,), name="cls")
        self.pos = self.add_weight(shape=(13, WIDTH), name="pos")

    def call(self, patches: Any) -> Any:
        patches = ops.reshape(patches, (-1, 12, WIDTH))
        first = ops.broadcast_to(self.cls, (ops.shape(patches)[0], 1, WIDTH))
        return ops.concatenate([first, patches], axis=1) + self.pos

    def compute_output_shape(self, shape: Any) -> Any:
        return (shape[0], 13, WIDTH)


class Alike(layers.Layer):
    """Gives a value the shape of another, which a graph reads off it."""

    def call(self, x: Any, other: Any) -> Any:
        return ops.reshape(x, ops.shape(other))


def _gelu(x: Any) -> Any:
    return ops.gelu(x, approximate=False)


def transformer(pooled: bool = False, dropout: float = 0.0, shaped: bool = False) -> Any:
    """Return the transformer of the golden file; `pooled` reads the mean of the patches.

    With a dropout Keras computes attention another way, which is the same at rest.  `shaped` reads how many
    pictures there are off the last attention.
    """
    w = weights()
    parts: dict[str, Any] = {}

    def named(name: str, layer: Any) -> Any:
        parts[name] = layer
        return layer

    inputs = keras.Input((24, 32, 3))
    tokens = Tokens(name="tokens")
    x = tokens(named("patch", layers.Conv2D(WIDTH, 8, 8, name="patch"))(inputs))
    for b in range(BLOCKS):
        name = f"b{b}/"
        h = named(f"{name}ln1", layers.LayerNormalization(epsilon=1e-6))(x)
        heads = layers.MultiHeadAttention(HEADS, WIDTH // HEADS, dropout=dropout, name=f"heads{b}")
        attended = named(f"{name}heads", heads)(h, h)
        x = layers.Add(name=f"attended{b}")([x, attended])
        h = named(f"{name}ln2", layers.LayerNormalization(epsilon=1e-6))(x)
        h = named(f"{name}mlp1", layers.Dense(32, activation=_gelu))(h)
        x = layers.Add(name=f"block{b}")([x, named(f"{name}mlp2", layers.Dense(WIDTH))(h)])
    x = Alike()(x, attended) if shaped else x
    x = named("ln", layers.LayerNormalization(epsilon=1e-6))(x)
    x = ops.mean(x[:, 1:], axis=1) if pooled else x[:, 0]
    model = keras.Model(inputs, named("head", layers.Dense(5, name="head"))(x))
    tokens.set_weights([w["cls"], w["pos"]])
    for name, layer in parts.items():
        if name.endswith("heads"):
            keys = [
                f"{part}/{kind}" for part in ("query", "key", "value", "out") for kind in ("kernel", "bias")
            ]
            layer.set_weights([w[name.removesuffix("heads") + key] for key in keys])
        else:
            keys = ["gamma", "beta"] if "ln" in name else ["kernel", "bias"]
            layer.set_weights([w[f"{name}/{key}"] for key in keys])
    return model


def windowed() -> Any:
    """Attention inside four windows of 4×4 tokens."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(8, 4, 4)(inputs)
    parts = ops.transpose(ops.reshape(x, (-1, 2, 4, 2, 4, 8)), (0, 1, 3, 2, 4, 5))
    parts = ops.reshape(parts, (-1, 16, 8))
    parts = layers.MultiHeadAttention(2, 4)(parts, parts)
    parts = ops.transpose(ops.reshape(parts, (-1, 2, 2, 4, 4, 8)), (0, 1, 3, 2, 4, 5))
    x = layers.Add()([x, ops.reshape(parts, (-1, 8, 8, 8))])
    return keras.Model(inputs, layers.Dense(5)(layers.GlobalAveragePooling2D()(x)))
