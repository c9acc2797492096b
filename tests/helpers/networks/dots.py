"""Networks of which one can work out where each position looks: kernels of equal, or single, taps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it

Layers = Callable[[], list[Any]]
PLAIN = {"use_bias": False, "kernel_initializer": "ones"}


def conv(kernel: Any, strides: Any = 1, padding: str = "valid", rank: int = 2, **keywords: Any) -> Any:
    return getattr(L, f"Conv{rank}D")(1, kernel, strides, padding, **PLAIN, **keywords)


def spread(kernel: Any, strides: Any, padding: str, rank: int = 2) -> Any:
    return getattr(L, f"Conv{rank}DTranspose")(1, kernel, strides, padding, **PLAIN)


def depthwise(kernel: Any, strides: Any = 1, padding: str = "valid", **keywords: Any) -> Any:
    ones = {"use_bias": False, "depthwise_initializer": "ones"}
    return L.DepthwiseConv2D(kernel, strides, padding, **ones, **keywords)


def apply(function: Callable[[Any], Any]) -> Any:
    return L.Lambda(function)


EQUAL: dict[str, tuple[tuple[int, ...], Layers]] = {
    "same, odd": ((33, 35), lambda: [conv(3, 2, "same"), conv(3, 2, "same")]),
    "same, even": ((32, 36), lambda: [conv(3, 2, "same"), conv(3, 2, "same")]),
    "same, even kernels": ((33, 36), lambda: [conv(5, 2, "same"), conv(2, 2, "same"), conv(4, 1, "same")]),
    "valid": ((40, 43), lambda: [conv(5) for _ in range(4)]),
    "padding of one": (
        (32, 33), lambda: [L.ZeroPadding2D(1), conv(3, 2), L.ZeroPadding2D(1), conv(3, 2)],
    ),
    "padding at one side": ((32, 33), lambda: [L.ZeroPadding2D(((0, 1), (1, 0))), conv(3, 2), conv(3)]),
    "strided 1x1": ((32, 33), lambda: [conv(1, 2), conv(1, 2), conv(3, 1, "same")]),
    "max pooling": (
        (32, 35), lambda: [conv(3, 1, "same"), L.MaxPooling2D(3, 2, "same"), L.MaxPooling2D(2)],
    ),
    "average pooling": (
        (35, 33), lambda: [L.AveragePooling2D(2), conv(3), L.AveragePooling2D(3, 1, "same")],
    ),
    "dilation": ((40, 41), lambda: [conv(3, 1, "same", dilation_rate=3), conv(3, dilation_rate=2)]),
    "transposed": ((32, 36), lambda: [conv(2, 2), spread(4, 2, "same")]),
    "transposed, valid": ((32, 36), lambda: [conv(2, 2), spread(3, 2, "valid")]),
    "resize, linear": ((32, 36), lambda: [conv(4, 2), L.UpSampling2D(2, interpolation="bilinear")]),
    "resize, nearest": ((32, 36), lambda: [conv(2, 2), L.UpSampling2D(2)]),
    "resize, any size": ((32, 36), lambda: [conv(3, 1, "same"), L.Resizing(12, 20)]),
    "space to depth": (
        (32, 36), lambda: [apply(lambda x: tf.nn.space_to_depth(x, 4)), conv(1), conv(3, 1, "same")],
    ),
    "cropped": ((34, 36), lambda: [L.Cropping2D(((3, 0), (0, 5))), conv(3, 2, "same")]),
    "every third row": ((32, 36), lambda: [conv(3, 1, "same"), apply(lambda x: x[:, 2::3, 1:-4:2])]),
    "one axis strided": ((32, 60), lambda: [conv((3, 5), (1, 3), "same"), conv((1, 4), (1, 2))]),
    "depthwise, dilated": ((32, 33), lambda: [depthwise(3, 2, "same"), depthwise(3, dilation_rate=2)]),
    "backwards": ((32, 36), lambda: [conv(3, 2), apply(lambda x: x[:, ::-1])]),
    "transposed axes": (
        (32, 36), lambda: [conv(3, 2, "same"), L.Permute((2, 1, 3)), conv((3, 5), (1, 2), "same")],
    ),
    "patches by reshape": (
        (32, 36),
        lambda: [
            L.Reshape((8, 4, 9, 4)), L.Permute((1, 3, 2, 4)), L.Reshape((72, 16)), L.Dense(1, **PLAIN),
        ],
    ),
    "1-D": ((70,), lambda: [conv(5, 2, "same", 1), conv(3, 2, rank=1), L.MaxPooling1D(2)]),
    "1-D, causal": ((70,), lambda: [conv(5, 1, "causal", 1), conv(3, 2, "causal", 1)]),
    "1-D, transposed": ((70,), lambda: [conv(2, 2, rank=1), spread(4, 2, "same", 1)]),
    "1-D, dilated": (
        (70,), lambda: [conv(3, 1, "same", 1, dilation_rate=4), L.ZeroPadding1D(2), L.AveragePooling1D(4)],
    ),
    "3-D": ((17, 18, 9), lambda: [conv(3, 2, "same", 3), conv((3, 2, 1), rank=3)]),
    "3-D, pooled": (
        (16, 18, 9), lambda: [L.ZeroPadding3D(1), conv(3, rank=3), L.AveragePooling3D((2, 2, 1))],
    ),
}  # fmt: skip

TAPS: dict[str, tuple[tuple[int, ...], Layers]] = {
    "valid": ((40, 43), lambda: [conv(5), conv(4), conv(5)]),
    "same, strided": ((33, 36), lambda: [conv(5, 2, "same"), conv(4, 2, "same"), conv(3, 1, "same")]),
    "dilated": ((40, 41), lambda: [conv(3, dilation_rate=3), conv(3, 2), conv(3, dilation_rate=2)]),
    "depthwise": ((32, 33), lambda: [depthwise(5, 2, "same"), depthwise(3, dilation_rate=2)]),
    "transposed": ((32, 36), lambda: [conv(3, 2), spread(3, 1, "same"), conv(3)]),
    "beside a strided pooling": ((32, 36), lambda: [conv(5), L.AveragePooling2D(1, 2), conv(3)]),
    "1-D": ((70,), lambda: [conv(5, 2, "same", 1), conv(3, 2, rank=1)]),
    "1-D, causal": ((70,), lambda: [conv(5, 1, "causal", 1), conv(3, 2, "causal", 1)]),
    "3-D": ((17, 18, 11), lambda: [conv(3, 2, "same", 3), conv((3, 2, 3), rank=3)]),
}
"""Networks in which a single tap of each kernel may be all there is."""


def network(size: Sequence[int], layers: list[Any], channels: int = 1) -> Any:
    """Return a network whose score is the sum of what its last layer, "here", says."""
    inputs = keras.Input((*size, channels))
    x = inputs
    for layer in layers:
        x = layer(x)
    x = L.Activation("linear", name="here")(x)
    return keras.Model(inputs, L.Dense(1, **PLAIN)(L.Flatten()(x)))


def dots(size: Sequence[int], axis: int, middle: Sequence[int]) -> np.ndarray:
    """Return a picture for each pixel along an axis, black but for that one, which is beside `middle`."""
    pictures = np.zeros((size[axis], *size, 1), np.float32)
    for pixel in range(size[axis]):
        place = [*middle]
        place[axis] = pixel
        pictures[(pixel, *place, 0)] = 1.0
    return pictures


def centroid(values: np.ndarray, axis: int) -> float:
    """Return the centre of mass along one axis."""
    line = np.asarray(values, np.float64).sum(axis=tuple(i for i in range(values.ndim) if i != axis))
    return float((line * np.arange(len(line))).sum() / line.sum())
