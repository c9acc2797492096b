"""EfficientNet-Lite0 as a Keras functional model.

EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) without squeeze-and-excite
and with ReLU6 in place of swish, as its authors released it for mobile
hardware. Layers are named as in `keras.applications` EfficientNet. Dropout
layers, which do nothing at inference, are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from visioncam_core.errors import ModelError

if TYPE_CHECKING:
    import keras

CLASSES = 1000
SIZE = 224  # pixels; the input is (224, 224, 3)
_BLOCKS = (  # kernel, repeats, filters, expansion, stride
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
# float32 and channels-last whatever the user set as Keras's defaults; elsewhere zeros, the quickest start
_CONV = {"padding": "same", "use_bias": False, "data_format": "channels_last", "dtype": "float32"}


def build() -> keras.Model:
    """Return the network with all weights zero.

    Input `(N, 224, 224, 3)` float, `(x - 127) / 128` of RGB values 0 to 255;
    output `predictions` `(N, 1000)`, softmax.
    """
    from keras import Input, Model, layers

    inputs = x = Input((SIZE, SIZE, 3), dtype="float32", name="image")
    x = layers.Conv2D(32, 3, 2, kernel_initializer="zeros", name="stem_conv", **_CONV)(x)
    x = _normalise(x, "stem_bn", "stem_activation")
    for stage, (kernel, repeats, filters, expansion, stride) in enumerate(_BLOCKS, 1):
        for i in range(repeats):
            name = f"block{stage}{chr(ord('a') + i)}_"
            x = _block(x, name, kernel, filters, expansion, stride if i == 0 else 1)
    x = layers.Conv2D(1280, 1, kernel_initializer="zeros", name="top_conv", **_CONV)(x)
    x = _normalise(x, "top_bn", "top_activation")
    x = layers.GlobalAveragePooling2D(data_format="channels_last", dtype="float32", name="avg_pool")(x)
    dense = layers.Dense(
        CLASSES, activation="softmax", kernel_initializer="zeros", dtype="float32", name="predictions"
    )
    return Model(inputs, dense(x), name="efficientnet_lite0")


def _block(x: Any, name: str, kernel: int, filters: int, expansion: int, stride: int) -> Any:
    """Inverted residual block: expand, depthwise, project, and add where the shapes agree."""
    from keras import layers

    start, width = x, x.shape[-1]
    if expansion != 1:
        x = layers.Conv2D(
            width * expansion, 1, kernel_initializer="zeros", name=name + "expand_conv", **_CONV
        )(x)
        x = _normalise(x, name + "expand_bn", name + "expand_activation")
    x = layers.DepthwiseConv2D(kernel, stride, depthwise_initializer="zeros", name=name + "dwconv", **_CONV)(
        x
    )
    x = _normalise(x, name + "bn", name + "activation")
    x = layers.Conv2D(filters, 1, kernel_initializer="zeros", name=name + "project_conv", **_CONV)(x)
    x = _normalise(x, name + "project_bn")
    if stride == 1 and width == filters:
        x = layers.Add(dtype="float32", name=name + "add")([x, start])
    return x


def _normalise(x: Any, name: str, activation: str | None = None) -> Any:
    from keras import layers

    x = layers.BatchNormalization(epsilon=1e-3, dtype="float32", name=name)(x)
    return layers.ReLU(max_value=6.0, dtype="float32", name=activation)(x) if activation else x


def fill(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Set the network's weights in place.

    Convolutions are `(out, in, h, w)`, depthwise `(channels, 1, h, w)`, dense `(out, in)`.

    Raises:
        ModelError: an array is missing, left over, or of the wrong shape.
    """
    left = {name for name in weights if not name.endswith("num_batches_tracked")}
    for layer, names in _torch_names(model):
        missing = [name for name in names if name not in left]
        if missing:
            raise ModelError(f"the weights for layer {layer.name} are missing: {', '.join(missing)}")
        arrays = [_keras_layout(layer, weights[name]) for name in names]
        for name, array, variable in zip(names, arrays, layer.weights, strict=True):
            if array.shape != tuple(variable.shape):
                raise ModelError(
                    f"{name} has shape {array.shape} where {layer.name} needs {tuple(variable.shape)}"
                )
        layer.set_weights(arrays)
        left.difference_update(names)
    if left:
        raise ModelError(f"weights that EfficientNet-Lite0 does not use: {', '.join(sorted(left)[:5])}")


def _torch_names(model: keras.Model) -> list[tuple[Any, list[str]]]:
    conv = {"stem_conv": "_conv_stem", "top_conv": "_conv_head"}
    norm = {"stem_bn": "_bn0", "top_bn": "_bn1"}
    names = [f"block{s}{chr(ord('a') + i)}_" for s, row in enumerate(_BLOCKS, 1) for i in range(row[1])]
    for index, name in enumerate(names):
        for ours, theirs in (("expand_", "_expand"), ("dw", "_depthwise"), ("project_", "_project")):
            conv[f"{name}{ours}conv"] = f"_blocks.{index}.{theirs}_conv"
        for ours, number in (("expand_bn", 0), ("bn", 1), ("project_bn", 2)):
            norm[name + ours] = f"_blocks.{index}._bn{number}"
    pairs = []
    for layer in model.layers:
        if layer.name in conv:
            pairs.append((layer, [conv[layer.name] + ".weight"]))
        elif layer.name in norm:
            parts = ("weight", "bias", "running_mean", "running_var")
            pairs.append((layer, [f"{norm[layer.name]}.{part}" for part in parts]))
        elif layer.name == "predictions":
            pairs.append((layer, ["_fc.weight", "_fc.bias"]))
    return pairs


def _keras_layout(layer: Any, array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose((2, 3, 0, 1) if "dwconv" in layer.name else (2, 3, 1, 0))
    return array.T if array.ndim == 2 else array
