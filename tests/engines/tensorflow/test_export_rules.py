"""The gradients of exported files: each rule against TensorFlow's own, in operations that go forward."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from visioncam_core.errors import GradientError
from visioncam_engines.tensorflow.export.backward import slopes

RANDOM = np.random.default_rng(0)
PICTURE, TOKENS, ROW = (2, 9, 8, 4), (2, 6, 4), (2, 5)


def const(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(np.float32)


def conv(high: int, wide: int, groups: int = 1, **how: Any) -> Callable[[Any], Any]:
    kernel = const(high, wide, 4 // groups, 6)
    how = {"strides": 1, "padding": "SAME", **how}
    return lambda x: tf.nn.conv2d(x, kernel, **how)


def depthwise(times: int, stride: int, padding: str, dilation: int = 1) -> Callable[[Any], Any]:
    kernel = const(3, 3, 4, times)
    strides, dilations = [1, stride, stride, 1], [dilation, dilation]
    return lambda x: tf.nn.depthwise_conv2d(x, kernel, strides, padding, dilations=dilations)


CASES: dict[str, tuple[tuple[int, ...], Callable[[Any], Any]]] = {
    "conv": (PICTURE, conv(3, 3)),
    "conv, even": (PICTURE, conv(2, 4)),
    "conv, one": (PICTURE, conv(1, 1, strides=2)),
    "conv, strided": (PICTURE, conv(3, 5, strides=[2, 3])),
    "conv, strided, valid": (PICTURE, conv(2, 2, strides=3, padding="VALID")),
    "conv, explicit": (PICTURE, conv(3, 3, strides=2, padding=[[0, 0], [1, 0], [2, 1], [0, 0]])),
    "conv, dilated": (PICTURE, conv(3, 3, dilations=2)),
    "conv, dilated, valid": (PICTURE, conv(3, 2, dilations=[2, 3], padding="VALID")),
    "depthwise": (PICTURE, depthwise(1, 1, "SAME")),
    "depthwise, strided": (PICTURE, depthwise(2, 2, "SAME")),
    "depthwise, valid": (PICTURE, depthwise(3, 2, "VALID")),
    "depthwise, dilated": (PICTURE, depthwise(1, 1, "SAME", 2)),
    "transposed": (PICTURE, lambda x: tf.nn.conv2d_transpose(x, KERNEL, [2, 18, 16, 3], 2)),
    "max": (PICTURE, lambda x: tf.nn.max_pool2d(tf.nn.relu(x), 3, 2, "SAME")),
    "max, alike": (
        PICTURE,
        lambda x: tf.nn.max_pool2d(tf.image.resize(x, [18, 16], "nearest"), 3, 2, "SAME"),
    ),
    "max, apart": (PICTURE, lambda x: tf.nn.max_pool2d(tf.nn.relu6(3 * x), 2, 2, "VALID")),
    "average": (PICTURE, lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME")),
    "average, valid": (PICTURE, lambda x: tf.nn.avg_pool2d(x, [2, 3], [1, 2], "VALID")),
    "batch norm": (PICTURE, lambda x: tf.compat.v1.nn.fused_batch_norm(x, *NORM, is_training=False)[0]),
    "bilinear": (PICTURE, lambda x: tf.image.resize(x, [13, 5])),
    "nearest": (PICTURE, lambda x: tf.image.resize(x, [4, 16], "nearest")),
    "aligned": (PICTURE, lambda x: tf.compat.v1.image.resize_bilinear(x, [5, 11], align_corners=True)),
    "depth": (PICTURE, lambda x: tf.nn.space_to_depth(tf.nn.depth_to_space(x, 2), 2)),
    "mean": (PICTURE, lambda x: tf.reduce_mean(x, [1, 2]) + tf.reduce_sum(x, [2, 1])),
    "largest": (PICTURE, lambda x: tf.reduce_max(x, [1, 2], keepdims=True)),
    "least": (TOKENS, lambda x: tf.reduce_min(tf.round(x), 1) * tf.reduce_mean(x, 1)),
    "instance norm": (PICTURE, lambda x: (x - tf.reduce_mean(x, [1, 2], keepdims=True)) / SPREAD(x)),
    "class token": (TOKENS, lambda x: tf.concat([tf.tile(CLASS, [2, 1, 1]), x], 1)[:, 0:3:2]),
    "one token": (TOKENS, lambda x: x[:, -1] * x[:, 1]),
    "new axis": (TOKENS, lambda x: x[:, tf.newaxis, ..., ::-1]),
    "slice": (TOKENS, lambda x: tf.slice(x, [0, 1, 2], [-1, 3, -1])),
    "gather": (TOKENS, lambda x: tf.gather(x, [3, 0, 3], axis=1)),
    "pad": (TOKENS, lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1]])),
    "split": (TOKENS, lambda x: tf.split(x, 2, axis=-1)[1] * tf.split(x, [1, 2, 1], axis=2)[1]),
    "stack": (TOKENS, lambda x: tf.stack([tf.unstack(x, axis=1)[2], x[:, 0]], axis=2)),
    "repeat": (TOKENS, lambda x: tf.tile(x, [1, 2, 3]) * const(1, 12, 12)),
    "broadcast": (ROW, lambda x: tf.broadcast_to(x[:, None], [2, 3, 5]) * const(2, 3, 5)),
    "attention": (TOKENS, lambda x: tf.nn.softmax(tf.matmul(x, x, transpose_b=True)) @ x),
    "turned": (TOKENS, lambda x: tf.matmul(x, x * x, transpose_a=True)),
    "both turned": (TOKENS, lambda x: tf.matmul(x, const(2, 3, 6), transpose_a=True, transpose_b=True)),
    "heads": (TOKENS, lambda x: tf.einsum("ntk,khd->nthd", x, const(4, 2, 3))),
    "keys": (TOKENS, lambda x: tf.einsum("nqk,npk->nqp", x, tf.tanh(x))),
    "dense": (ROW, lambda x: tf.nn.bias_add(tf.matmul(x, const(5, 3)), const(3))),
    "kernel turned": (ROW, lambda x: tf.matmul(x, const(3, 5), transpose_b=True)),
    "log softmax": (ROW, tf.nn.log_softmax),
    "gelu": (ROW, lambda x: tf.nn.gelu(x) + tf.nn.gelu(x, approximate=True)),
    "erf": (ROW, tf.math.erf),
    "swish": (ROW, lambda x: x * tf.sigmoid(x) + x * tf.nn.relu6(x + 3) / 6),
    "silu": (ROW, tf.nn.silu),
    "rectified": (ROW, lambda x: tf.nn.elu(x) + tf.nn.selu(2 * x) - tf.nn.leaky_relu(x, 0.3)),
    "smooth": (ROW, lambda x: tf.nn.softplus(x) + tf.exp(x) + tf.math.expm1(x) - tf.math.log1p(tf.abs(x))),
    "powers": (ROW, lambda x: tf.sqrt(tf.square(x) + 1) * tf.math.rsqrt(x * x + 2) + tf.pow(x, 3.0)),
    "quotients": (
        ROW,
        lambda x: x / (1 + tf.exp(-x)) + tf.math.reciprocal(x * x + 1) + tf.math.log(x * x + 1),
    ),
    "differences": (ROW, lambda x: tf.math.squared_difference(x, const(1, 5)) - tf.negative(x) * x),
    "choices": (ROW, lambda x: tf.maximum(x, 0.2 * x) + tf.where(x > 0.5, x * x, -x) + tf.minimum(x, 0.1)),
    "without a rule": (ROW, lambda x: tf.cumsum(tf.sin(x), axis=1)),
}
KERNEL, CLASS, NORM = (
    const(3, 3, 3, 4),
    const(1, 1, 4),
    (const(4), const(4), const(4), np.full(4, 0.5, np.float32)),
)
SPREAD = lambda x: tf.sqrt(tf.math.reduce_variance(x, [1, 2], keepdims=True) + 1e-3)  # noqa: E731
BACKWARD = re.compile(r"Grad|Backprop")


@pytest.mark.parametrize("name", CASES)
def test_a_rule_is_tensorflows_gradient(name: str) -> None:
    shape, function = CASES[name]
    types: set[str] = set()

    @tf.function(input_signature=[tf.TensorSpec([None, *shape[1:]])])
    def both(x: Any) -> Any:
        y = function(x)
        dy = tf.constant(RANDOM.normal(size=[2, *y.shape[1:]]), tf.float32)
        before = len(x.graph.get_operations())
        (mine,) = slopes(y, [x], dy, "tflite")
        types.update(op.type for op in x.graph.get_operations()[before:])
        assert mine.shape[1:] == x.shape[1:]
        return mine, tf.gradients(y, [x], dy)[0]

    one, other = both(tf.constant(RANDOM.normal(size=shape), tf.float32))
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert not [kind for kind in types if BACKWARD.search(kind)]


def test_what_only_tensorflow_runs_is_named_unless_a_saved_model_holds_it() -> None:
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 4, 4, 3])
        y = tf.nn.local_response_normalization(x, name="lrn")
        with pytest.raises(GradientError, match=r"'lrn' \(LRN\).*LRNGrad, which only TensorFlow runs"):
            slopes(y, [x], tf.ones_like(y), "onnx")
        assert slopes(y, [x], tf.ones_like(y), "savedmodel")


def test_what_mixes_the_pictures_of_a_batch_is_refused() -> None:
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [None, 4])
        with pytest.raises(GradientError, match=r"mixes the pictures of a batch"):
            slopes(x - tf.reduce_mean(x, 0), [x], tf.ones_like(x), "onnx")
