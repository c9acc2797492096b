"""The gradients of convolutions, pooling and batch norm, as convolutions that go forward.

The gradient of a convolution is one with the kernel turned round, of a gradient whose values stand as far
apart as the stride.  That is what a transposed convolution is; TFLite's takes no dilation, no groups and no
open batch.
"""

from __future__ import annotations

import itertools
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import GradientError
from visioncam_engines.tensorflow.export.rules import rule, shape_of
from visioncam_engines.tensorflow.export.shapes import only


@attrs.frozen
class Slide:
    """How a window slides along one axis.

    Attributes:
        n, m: lengths of the input and the output.
        reach: of the window, dilation included.
        stride: of the window.
        before: positions of padding before the first.
    """

    n: int
    m: int
    reach: int
    stride: int
    before: int


def _slides(op: Any, window: list[int], dilations: list[int]) -> list[Slide]:
    """Return how the windows of an operation (N, h, w, K) slide along h and w.

    Raises:
        GradientError: the channels come first.
    """
    if op.get_attr("data_format") != b"NHWC":
        raise GradientError(f"the operation {op.name!r} ({op.type}) has its channels first: it has no rule")
    before, after = shape_of(op.inputs[0])[1:3], shape_of(op.outputs[0])[1:3]
    strides, padding = op.get_attr("strides")[1:3], op.get_attr("padding")
    given = op.get_attr("explicit_paddings") if padding == b"EXPLICIT" else []
    found = []
    for i, (n, m, size, s, d) in enumerate(zip(before, after, window, strides, dilations, strict=True)):
        reach = (size - 1) * d + 1
        total = max((m - 1) * s + reach - n, 0) if padding == b"SAME" else 0
        found.append(Slide(n, m, reach, s, int(given[2 * i + 2]) if given else total // 2))
    return found


def _spread(dy: Any, slides: list[Slide], lead: list[int] | None = None) -> Any:
    """Return a gradient with its values a stride apart, padded so that a window's slide gives the input.

    Args:
        dy: (N, m, m', K).
        slides: of the two axes.
        lead: zeros before the first value of each axis; a window's reach less one and its padding by default.
    """
    import tensorflow as tf

    for axis, one in enumerate(slides, start=1):
        first = one.reach - 1 - one.before if lead is None else lead[axis - 1]
        length = one.n + one.reach - 1 if lead is None else one.n
        _, high, wide, channels = shape_of(dy)
        if one.stride > 1:
            inner = [high, 1, wide * channels] if axis == 1 else [high * wide, 1, channels]
            pads = [[0, 0], [0, 0], [0, one.stride - 1], [0, 0]]
            dy = tf.pad(tf.reshape(dy, [-1, *inner]), pads)
            sides = [high * one.stride, wide] if axis == 1 else [high, wide * one.stride]
            dy = tf.reshape(dy, [-1, *sides, channels])
        have = one.m * one.stride
        last = length - first - have
        pads = [[0, 0]] * 4
        pads[axis] = [max(first, 0), max(last, 0)]
        dy = tf.pad(dy, pads) if any(pads[axis]) else dy
        if min(first, last) < 0:
            start = max(-first, 0)
            dy = dy[(slice(None),) * axis + (slice(start, start + length),)]
    return dy


@rule("Conv2D")
def _convolution(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    kernel, dilations = op.inputs[1], op.get_attr("dilations")[1:3]
    high, wide, deep, _ = shape_of(kernel)
    slides = _slides(op, [high, wide], dilations)
    groups = shape_of(op.inputs[0])[-1] // deep
    turned = kernel if high == wide == 1 else kernel[::-1, ::-1]
    if groups > 1:
        parts = tf.split(turned, groups, axis=3)
        turned = tf.concat([tf.transpose(one, [0, 1, 3, 2]) for one in parts], axis=3)
    else:
        turned = tf.transpose(turned, [0, 1, 3, 2])
    return [_convolved(tf.nn.conv2d, dy, turned, slides, dilations), None]


def _convolved(convolve: Any, dy: Any, kernel: Any, slides: list[Slide], dilations: list[int]) -> Any:
    plain = all(one.stride == 1 and one.n == one.m and 2 * one.before == one.reach - 1 for one in slides)
    spread = dy if plain else _spread(dy, slides)
    padding = "SAME" if plain else "VALID"
    strides = [1, 1, 1, 1]
    return convolve(spread, kernel, strides, padding, dilations=list(dilations))


@rule("DepthwiseConv2dNative")
def _depthwise(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    kernel, dilations = op.inputs[1], op.get_attr("dilations")[1:3]
    high, wide, deep, times = shape_of(kernel)
    slides = _slides(op, [high, wide], dilations)
    turned = tf.reshape(kernel[::-1, ::-1], [high, wide, deep * times, 1])
    slope = _convolved(tf.nn.depthwise_conv2d, dy, turned, slides, dilations)
    if times > 1:
        sides = [one.n for one in slides]
        slope = tf.reduce_sum(tf.reshape(slope, [-1, sides[0] * sides[1], deep, times]), -1)
        slope = tf.reshape(slope, [-1, *sides, deep])
    return [slope, None]


@rule("Conv2DBackpropInput")
def _transposed(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    padding = op.get_attr("padding").decode()
    strides, dilations = op.get_attr("strides"), op.get_attr("dilations")
    if padding == "EXPLICIT" or op.get_attr("data_format") != b"NHWC":
        raise GradientError(
            f"the transposed convolution {op.name!r} has a padding or an order without a rule"
        )
    return [None, None, tf.nn.conv2d(dy, op.inputs[1], strides, padding, dilations=dilations)]


@rule("AvgPool")
def _averaged(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    window = op.get_attr("ksize")[1:3]
    slides = _slides(op, window, [1, 1])
    counts = [_counts(one) for one in slides]
    share = np.outer(*[np.float32(1) / one for one in counts])[None, :, :, None]
    size = float(np.prod(window))
    return [tf.nn.avg_pool2d(_spread(dy * share, slides), window, 1, "VALID") * size]


def _counts(one: Slide) -> np.ndarray:
    """Return how many positions of the input each window covers."""
    start = np.arange(one.m) * one.stride - one.before
    return np.asarray(np.minimum(start + one.reach, one.n) - np.maximum(start, 0), np.float32)


@rule("MaxPool")
def _largest(op: Any, dy: Any) -> list[Any]:
    """Each window's gradient goes to the first of its largest values, as TensorFlow does it."""
    import tensorflow as tf

    x, y, window = op.inputs[0], op.outputs[0], op.get_attr("ksize")[1:3]
    slides = _slides(op, window, [1, 1])
    pads = [
        [0, 0],
        *([one.before, max((one.m - 1) * one.stride + one.reach - one.n - one.before, 0)] for one in slides),
        [0, 0],
    ]
    padded = tf.pad(x, pads, constant_values=x.dtype.min) if any(map(any, pads)) else x
    total: Any = None
    free: Any = None
    none = tf.zeros([], dy.dtype)
    for offsets in itertools.product(*(range(one.reach) for one in slides)):
        part = padded[
            (
                slice(None),
                *(
                    slice(o, o + (s.m - 1) * s.stride + 1, s.stride)
                    for o, s in zip(offsets, slides, strict=True)
                ),
            )
        ]
        here = tf.equal(part, y) if free is None else tf.equal(part, y) & free
        free = ~here if free is None else free & ~here
        lead = [o - s.before for o, s in zip(offsets, slides, strict=True)]
        moved = _spread(tf.where(here, dy, none), slides, lead)
        total = moved if total is None else total + moved
    return [total]


@rule("FusedBatchNormV3", "FusedBatchNormV2", "FusedBatchNorm")
def _normalised(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    _, scale, _, _, variance = op.inputs
    if op.get_attr("is_training") or op.get_attr("data_format") != b"NHWC":
        raise GradientError(f"the batch norm {op.name!r} takes its statistics from the batch")
    return only(op, dy * (scale * tf.math.rsqrt(variance + op.get_attr("epsilon"))))
