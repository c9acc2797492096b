"""Where the channels of a layer first meet, so that leaving one out is exact and cheap.

Behind a layer there is often a step or two that treats every channel for itself (pooling, a mean over
space, an activation), and then a linear operation that mixes channels: a convolution or a dense layer.
Setting channel k to zero changes what that operation receives in channel k only, and hence its output by
one term: `y_k = y - (x_k - x0_k) W_k`, where `x0` is what zeros become on the way.  Only what lies behind
it is run for every channel.  It is found by walking the graph, never by the name of a model.
"""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.engine.layer_table import Layout
from visioncam_engines.tensorflow.graph.graph import ancestors, constant, descendants

_EACH_CHANNEL = frozenset(
    ("Identity", "StopGradient", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus")
)
_WITH_FORMAT = frozenset(("MaxPool", "AvgPool", "FusedBatchNormV3", "BiasAdd"))
_OVER_SPACE = frozenset(("Mean", "Sum", "Max"))
_WITH_WEIGHTS = frozenset(("AddV2", "Add", "Sub", "Mul", "RealDiv", "Maximum"))


@attrs.frozen(eq=False)
class Mixing:
    """The first operation behind a layer that mixes its channels.

    Attributes:
        op: the operation.
        source: what it receives, computed channel by channel from the layer: (N, ..., K).
        weights: its kernel: (K, M), or (h, w, K, M).
        result: what it gives: (N, ..., M), linear in `source`.
    """

    op: Any
    source: Any
    weights: Any
    result: Any


def mixing(record: Any, layout: Layout, fetches: list[Any], inputs: list[Any]) -> Mixing | None:
    """Return where the channels of a recorded layer first meet on the way from the inputs to the fetches.

    None where no single linear operation does it.
    """
    if len(record.tensors) > 1 or layout.kind != "grid":
        return None
    behind = ancestors(fetches)
    moving = descendants(inputs)
    tensor, channels = record.tensors[0], layout.channels
    while True:
        readers = {id(op): op for op in tensor.consumers() if id(op) in behind}
        if len(readers) != 1:
            return None
        op = next(iter(readers.values()))
        others = [one for one in op.inputs if one is not tensor]
        if len(op.inputs) - len(others) != 1 or any(id(one) in moving for one in others):
            return None
        if _mixes(op, tensor, channels):
            return Mixing(op, tensor, op.inputs[1], op.outputs[0])
        if not _keeps_apart(op, tensor, channels):
            return None
        tensor = op.outputs[0]
        if any(id(reader) in behind for output in op.outputs[1:] for reader in output.consumers()):
            return None


def _mixes(op: Any, tensor: Any, channels: int) -> bool:
    """Whether an operation is a dense layer or convolution over the channels of what it receives first."""
    if op.inputs[0] is not tensor:
        return False
    if op.type == "MatMul":
        plain = not op.get_attr("transpose_a") and not op.get_attr("transpose_b")
        return bool(plain and tensor.shape.rank == 2 and op.inputs[1].shape[0] == channels)
    if op.type != "Conv2D" or op.get_attr("data_format") != b"NHWC":
        return False
    stride, dilation = op.get_attr("strides"), op.get_attr("dilations")
    return bool(
        stride[1] == stride[2] and set(dilation) == {1} and op.inputs[1].shape[2] == channels
    )  # a kernel of fewer channels belongs to a grouped convolution


def _keeps_apart(op: Any, tensor: Any, channels: int) -> bool:
    """Whether an operation computes each channel of its output from that channel alone."""
    result = op.outputs[0]
    if result.shape.rank is None or result.shape[-1] != channels or result.dtype != tensor.dtype:
        return False
    if op.type in _EACH_CHANNEL:
        return True
    if op.inputs[0] is not tensor and op.type not in _WITH_WEIGHTS:
        return False
    if op.type in _WITH_FORMAT:
        if op.get_attr("data_format") != b"NHWC":
            return False
        if op.type == "FusedBatchNormV3":
            return not op.get_attr("is_training")
        return op.type == "BiasAdd" or op.get_attr("ksize")[-1] == 1
    if op.type in _OVER_SPACE:
        axes = constant(op.inputs[1])
        last = tensor.shape.rank - 1
        return axes is not None and not {0, last, -1, -last - 1} & set(axes.reshape(-1).tolist())
    if op.type in _WITH_WEIGHTS:
        return bool(result.shape.rank == tensor.shape.rank)
    if op.type == "DepthwiseConv2dNative":
        return op.get_attr("data_format") == b"NHWC"
    if op.type in ("Pad", "PadV2"):
        widths = constant(op.inputs[1])
        return widths is not None and not widths[0].any()
    return False


def without(found: Mixing, change: Any, result: Any, weights: Any, which: Any) -> Any:
    """Return what the mixing operation gives without one channel each: (b, ..., M).

    Args:
        found: the operation.
        change: (1, ..., K) what each channel's absence takes away: `source` less what zeros become.
        result: (1, ..., M) its output with every channel.
        weights: its kernel.
        which: (b,) int32 channels.
    """
    import tensorflow as tf

    part = tf.gather(change, which, axis=-1)  # (1, ..., b)
    if found.op.type == "MatMul":
        return result - tf.transpose(part) * tf.gather(weights, which)
    kernel = tf.gather(weights, which, axis=2)  # (h, w, b, M)
    apart = tf.raw_ops.DepthwiseConv2dNative(
        input=part,
        filter=kernel,
        strides=found.op.get_attr("strides"),
        padding=found.op.get_attr("padding"),
        explicit_paddings=found.op.get_attr("explicit_paddings"),
    )  # (1, h, w, b * M)
    size = tf.shape(result)
    by_channel = tf.reshape(apart, [size[1], size[2], -1, size[3]])
    return result - tf.transpose(by_channel, [2, 0, 1, 3])
