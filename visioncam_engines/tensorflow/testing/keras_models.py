"""Tiny Keras models whose maps can be worked out by hand.

In all but the hand model the layer `"features"` passes its input on, so that a test chooses the
activations themselves: A = x.  Keras is imported when a model is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def gap_dense(
    weights: Any, bias: Any = None, *, grid: Sequence[int] = (4, 5), activation: str | None = None
) -> Any:
    """Return A → mean over space → dense: the network of the original CAM.

    Its logits are S_c = Σ_k W_kc m_k + b_c with m_k the channel means, so G_pk = W_kc / Z.

    Args:
        weights: (K, classes) W.
        bias: (classes,) b, or None for zeros.
        grid: positions along one, two or three axes.
        activation: of the last layer, such as `"softmax"`.

    Returns:
        A Keras model with the layer `"features"`, (N, *grid, K).
    """
    import keras

    weights = np.asarray(weights, np.float32)
    inputs, features = _features(grid, len(weights))
    pool = getattr(keras.layers, f"GlobalAveragePooling{len(grid)}D")
    return _headed(inputs, pool(name="pool")(features), weights, bias, activation)


def flatten_dense(
    weights: Any,
    bias: Any = None,
    *,
    grid: Sequence[int] = (4, 5),
    channels: int = 3,
    activation: str | None = None,
) -> Any:
    """Return A → flatten → dense: every activation has a weight of its own, so G_pk = W_pkc.

    Args:
        weights: (Z·K, classes) or (*grid, K, classes) W.
        bias: (classes,) b, or None for zeros.
        grid: positions along one, two or three axes.
        channels: K.
        activation: of the last layer.

    Returns:
        A Keras model with the layer `"features"`, (N, *grid, K).
    """
    import keras

    weights = np.asarray(weights, np.float32)
    inputs, features = _features(grid, channels)
    flat = keras.layers.Flatten(name="flatten")(features)
    return _headed(inputs, flat, weights.reshape(-1, weights.shape[-1]), bias, activation)


def piecewise_linear(
    *, grid: Sequence[int] = (6, 8), channels: int = 4, classes: int = 3, biases: bool = False, seed: int = 0
) -> Any:
    """Return A → conv, ReLU, max pooling → dense, ReLU → dense, with random weights.

    Without biases S is homogeneous in A, and S = Σ G·A.

    Args:
        grid: positions along one, two or three axes, each even.
        channels: K.
        classes: number of logits.
        biases: whether the layers behind A have biases.
        seed: of the weights.

    Returns:
        A Keras model with the layer `"features"`, (N, *grid, K); its outputs are the logits.
    """
    import keras

    rank = len(grid)
    inputs, features = _features(grid, channels)
    conv = getattr(keras.layers, f"Conv{rank}D")
    hidden = conv(6, 3, padding="same", activation="relu", use_bias=biases, name="conv")(features)
    hidden = getattr(keras.layers, f"MaxPooling{rank}D")(2, name="max")(hidden)
    hidden = keras.layers.Flatten(name="flatten")(hidden)
    hidden = keras.layers.Dense(10, activation="relu", use_bias=biases, name="hidden")(hidden)
    logits = keras.layers.Dense(classes, use_bias=biases, name="logits")(hidden)
    model = keras.Model(inputs, logits)
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        shapes = [value.shape for value in layer.get_weights()]
        layer.set_weights([rng.normal(0, 1 / np.sqrt(np.prod(s[:-1]) or 1), s) for s in shapes])
    return model


def planted_blob(size: Sequence[int] = (24, 40), *, cell: Sequence[int] = (4, 4)) -> Any:
    """Return a model that tells bright blobs on grey (class 0) from dark ones (class 1).

    The picture is averaged over cells; channel 0 of the layer `"features"` is how much brighter a cell
    is than 0, channel 1 how much darker; the logits are their sums, each less the other.

    Args:
        size: height and width of the picture, multiples of the cell's.
        cell: height and width of a cell, which is one position of the grid.

    Returns:
        A Keras model of pictures (N, *size, 1) around 0.
    """
    import keras

    inputs = keras.Input((*size, 1))
    conv = keras.layers.Conv2D(2, tuple(cell), strides=tuple(cell), use_bias=False, name="cells")
    features = keras.layers.ReLU(name="features")(conv(inputs))
    mean = keras.layers.GlobalAveragePooling2D(name="pool")(features)
    logits = keras.layers.Dense(2, use_bias=False, name="logits")(mean)
    model = keras.Model(inputs, logits)
    share = 1.0 / float(np.prod(cell))
    conv.set_weights([np.broadcast_to([share, -share], (*cell, 1, 2)).copy()])
    count = float(np.prod([n // c for n, c in zip(size, cell, strict=True)]))
    model.get_layer("logits").set_weights([count * np.array([[1.0, -1.0], [-1.0, 1.0]])])
    return model


def hand_model(scale: float = 1.0) -> Any:
    """Return a convolutional model that fits on a napkin; the picture is `hand_picture()`.

    conv1: two filters of ones, 3×3, valid, biases −50 and −75; relu1; flattened channel by channel;
    dense to four equal logits, weights +1 five times and −1 three times.  The logit is 54.  It is the
    one-conv net in captum's tests.

    Args:
        scale: a factor on the logits.

    Returns:
        A Keras model with the layers `"conv1"` and `"relu1"`, both (N, 2, 2, 2).
    """
    import keras

    inputs = keras.Input((4, 4, 1))
    conv = keras.layers.Conv2D(2, 3, name="conv1")
    features = keras.layers.ReLU(name="relu1")(conv(inputs))
    flat = keras.layers.Flatten(name="flatten")(keras.layers.Permute((3, 1, 2), name="channels")(features))
    dense = keras.layers.Dense(4, use_bias=False, name="logits")
    model = keras.Model(inputs, dense(flat))
    conv.set_weights([np.ones((3, 3, 1, 2)), np.array([-50.0, -75.0])])
    dense.set_weights([scale * np.repeat([[1.0]] * 5 + [[-1.0]] * 3, 4, axis=1)])
    return model


def hand_picture() -> np.ndarray:
    """Return the hand model's picture, (1, 4, 4, 1) float32: the numbers 0 to 15 in rows."""
    return np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)


def _features(grid: Sequence[int], channels: int) -> tuple[Any, Any]:
    import keras

    inputs = keras.Input((*grid, channels))
    return inputs, keras.layers.Activation("linear", name="features")(inputs)


def _headed(inputs: Any, flat: Any, weights: np.ndarray, bias: Any, activation: str | None) -> Any:
    import keras

    dense = keras.layers.Dense(weights.shape[-1], activation=activation, name="head")
    model = keras.Model(inputs, dense(flat))
    dense.set_weights([weights, np.zeros(weights.shape[-1]) if bias is None else np.asarray(bias)])
    return model
