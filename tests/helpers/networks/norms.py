"""Small networks of one convolution "c" and whatever reads it: norms, softmaxes, means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops as K  # noqa: N812

X = np.random.default_rng(0).random((3, 16, 16, 3), np.float32)
Step = Callable[[Any], Any]


class Does(L.Layer):
    """A layer of one function, as people write `Lambda`."""

    def __init__(self, function: Step, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.function = function

    def call(self, x: Any) -> Any:
        return self.function(x)


def centred(x: Any) -> Any:
    return x - K.mean(x, axis=tuple(range(1, len(x.shape) - 1)), keepdims=True)


def instance_norm(x: Any) -> Any:
    axes = tuple(range(1, len(x.shape) - 1))
    return centred(x) * K.rsqrt(K.var(x, axis=axes, keepdims=True) + 1e-5)


def space_softmax(x: Any) -> Any:
    return K.reshape(K.softmax(K.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3])), axis=1), K.shape(x))


def where_it_is(x: Any) -> Any:
    """Return the expected row and column of each channel: the soft argmax of pose networks."""
    place = np.stack(np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 16)), -1).astype(np.float32)
    return L.Flatten()(K.einsum("bhwc,hwd->bcd", Does(space_softmax)(x), place))


def attended(x: Any) -> Any:
    """Return features averaged by an attention map, whose logits are the layer "c"."""
    features = np.random.default_rng(1).random((16, 16, 8), np.float32)
    return L.Flatten()(K.sum(Does(space_softmax)(x) * features, axis=(1, 2)))


def pooled(x: Any) -> Any:
    return {3: L.GlobalAveragePooling1D, 4: L.GlobalAveragePooling2D, 5: L.GlobalAveragePooling3D}[
        len(x.shape)
    ]()(x)


def network(
    head: Step, activation: str | None = "relu", shape: tuple[int, ...] = (16, 16, 3), bias: str = "ones"
) -> keras.Model:
    keras.utils.set_random_seed(3)
    conv = {2: L.Conv1D, 3: L.Conv2D, 4: L.Conv3D}[len(shape)]
    i = L.Input(shape)
    x = conv(8, 3, padding="same", activation=activation, name="c")(i)
    return keras.Model(i, L.Dense(4, bias_initializer=bias)(head(x)))


def codes(found: Any) -> set[str]:
    return {one.code for one in found.diagnostics}


def told(found: Any, code: str) -> Any:
    return next(one for one in found.diagnostics if one.code == code)
