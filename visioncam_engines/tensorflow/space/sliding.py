"""Operations whose windows move over the picture: convolution, pooling, padding, resampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_core.engine.graph.windows import blocks, mixed, resampled, spread, windowed
from visioncam_core.engine.space import Axis, Run, Space, own
from visioncam_core.engine.space_moves import padded, sliced
from visioncam_engines.tensorflow.space.shapes import numbers, value
from visioncam_engines.tensorflow.space.walk import Walk, rule


def _axes(op: Any, rank: int) -> tuple[list[int], int]:
    """Return the sliding axes and the axis of channels of a tensor of `rank`."""
    given = op.get_attr("data_format").decode() if "data_format" in op.node_def.attr else "NHWC"
    if given.startswith("NC"):
        return list(range(2, rank)), 1
    return list(range(1, rank - 1)), rank - 1


def _moved(
    walk: Walk,
    op: Any,
    value: Any,
    kernel: list[int],
    strides: list[int],
    rates: list[int],
    channels: int | None,
) -> Space | None:
    """Return the space after windows of `kernel` taps moved over a value; lists have one entry an axis."""
    space = walk.of(value)
    if space is None:
        return None
    axes, last = _axes(op, len(space.axes))
    shape = walk.shape(op.outputs[0]) or ()
    padding = op.get_attr("padding").decode()
    explicit = list(op.get_attr("explicit_paddings")) if padding == "EXPLICIT" else []
    sizes, lefts = [], []
    for i, axis in enumerate(axes):
        size, before = shape[axis], space.axes[axis].size
        reach = (kernel[i] - 1) * rates[i] + 1
        if size is None:  # behind a branch of the graph, whose shape it does not tell
            more = reach - 1 if padding == "SAME" else sum(explicit[2 * axis : 2 * axis + 2])
            size = (before + more - reach) // strides[i] + 1
        sizes.append(size)
        if padding == "SAME":
            lefts.append(max((size - 1) * strides[i] + reach - before, 0) // 2)
        else:
            lefts.append(explicit[2 * axis] if explicit else 0)
    space = windowed(space, axes, sizes, kernel, strides, rates, lefts, walk.centres(op.name))
    return space if channels is None else mixed(space, last, channels)


def _spatial(op: Any, name: str, axes: list[int]) -> list[int]:
    values = list(op.get_attr(name))
    return [values[axis] for axis in axes]


@rule("Conv2D", "Conv3D", "DepthwiseConv2dNative")
def _convolved(walk: Walk, op: Any) -> Space | None:
    rank = op.inputs[0].shape.rank
    axes, last = _axes(op, rank)
    kernel = [int(n) for n in op.inputs[1].shape[: rank - 2]]
    channels = (walk.shape(op.outputs[0]) or ())[last]
    steps, rates = _spatial(op, "strides", axes), _spatial(op, "dilations", axes)
    return _moved(walk, op, op.inputs[0], kernel, steps, rates, channels)


@rule("MaxPool", "AvgPool", "MaxPool3D", "AvgPool3D", "MaxPoolWithArgmax")
def _pooled(walk: Walk, op: Any) -> Space | None:
    axes, _ = _axes(op, op.inputs[0].shape.rank)
    steps = _spatial(op, "strides", axes)
    return _moved(walk, op, op.inputs[0], _spatial(op, "ksize", axes), steps, [1] * len(axes), None)


@rule("Dilation2D")
def _dilated(walk: Walk, op: Any) -> Space | None:
    """The maximum under a small grey picture: a pooling."""
    kernel = [int(n) for n in op.inputs[1].shape[:2]]
    axes = [1, 2]
    steps, rates = _spatial(op, "strides", axes), _spatial(op, "rates", axes)
    return _moved(walk, op, op.inputs[0], kernel, steps, rates, None)


@rule("ExtractImagePatches", "ExtractVolumePatches")
def _cut_out(walk: Walk, op: Any) -> Space | None:
    axes = list(range(1, op.inputs[0].shape.rank - 1))
    rates = _spatial(op, "rates", axes) if "rates" in op.node_def.attr else [1] * len(axes)
    channels = (walk.shape(op.outputs[0]) or ())[-1]
    kernel, steps = _spatial(op, "ksizes", axes), _spatial(op, "strides", axes)
    return _moved(walk, op, op.inputs[0], kernel, steps, rates, channels)


@rule(
    "Conv2DBackpropInput",
    "Conv3DBackpropInput",
    "Conv3DBackpropInputV2",
    "DepthwiseConv2dNativeBackpropInput",
)
def _transposed(walk: Walk, op: Any) -> Space | None:
    """Each position is spread over `kernel` new ones."""
    space = walk.of(op.inputs[2])
    if space is None:
        return None
    axes, last = _axes(op, len(space.axes))
    shape = walk.shape(op.outputs[0]) or ()
    steps, rates = _spatial(op, "strides", axes), _spatial(op, "dilations", axes)
    padding = op.get_attr("padding").decode()
    explicit = list(op.get_attr("explicit_paddings")) if padding == "EXPLICIT" else []
    kernel = [int(n) for n in op.inputs[1].shape[: len(axes)]]
    sizes, lefts = [], []
    for i, axis in enumerate(axes):
        size, before = shape[axis], space.axes[axis].size
        if size is None:
            raise ValueError("an open axis")
        whole = (before - 1) * steps[i] + (kernel[i] - 1) * rates[i] + 1
        left = max(whole - size, 0) // 2 if padding == "SAME" else 0
        sizes.append(size)
        lefts.append(explicit[2 * axis] if explicit else left)
    space = spread(space, axes, sizes, kernel, steps, rates, lefts, walk.centres(op.name))
    channels = shape[last] or 1
    return mixed(space, last, channels).with_axis(last, own(channels))


@rule("Pad", "PadV2", "MirrorPad")
def _padded(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    amounts = numbers(walk, op.inputs[1])
    for axis in range(len(space.axes)):
        space = padded(space, axis, amounts[2 * axis], amounts[2 * axis + 1])
    return space


@rule("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea", "ScaleAndTranslate")
def _resized(walk: Walk, op: Any) -> Space | None:
    space, shape = walk.of(op.inputs[0]), walk.shape(op.outputs[0]) or ()
    if space is None:
        return None
    flags = op.node_def.attr
    corners = "align_corners" in flags and op.get_attr("align_corners")
    legacy = not corners and "half_pixel_centers" in flags and not op.get_attr("half_pixel_centers")
    if op.type == "ScaleAndTranslate" and any(np.ravel(value(walk, op.inputs[3]))):
        raise ValueError("a shifted part")
    for axis in (1, 2):
        size = shape[axis]
        if size is None:
            raise ValueError("an open axis")
        space = resampled(space, axis, size, corners, op.type == "ResizeArea" or not legacy)
    return space


@rule("SpaceToDepth", "DepthToSpace")
def _blocks(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    axes, last = _axes(op, 4)
    block = float(op.get_attr("block_size"))
    ratio = block if op.type == "SpaceToDepth" else 1 / block
    shape = walk.shape(op.outputs[0]) or ()
    sizes = [int(shape[axis] or 1) for axis in axes]
    return blocks(space, axes, sizes, ratio, last, int(shape[last] or 1))


@rule("SpaceToBatchND")
def _into_batch(walk: Walk, op: Any) -> Space | None:
    """Every `block`-th position goes into a batch of its own: how dilated convolutions are made."""
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    block, pads = numbers(walk, op.inputs[1]), numbers(walk, op.inputs[2])
    axes, fine = list(space.axes), []
    for i, step in enumerate(block):
        space = padded(space, i + 1, pads[2 * i], pads[2 * i + 1])
        (run,) = space.axes[i + 1].runs
        fine.append(Run(run.along, step, run.step))
        axes[i + 1] = Axis((Run(run.along, run.size // step, run.step * step),))
    axes[0] = Axis((*fine, *axes[0].runs))
    return Space(tuple(axes), space.start, space.apart)


@rule("BatchToSpaceND")
def _out_of_batch(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    block, crops = numbers(walk, op.inputs[1]), numbers(walk, op.inputs[2])
    axes = list(space.axes)
    fine = axes[0].runs[: len(block)]
    for i, run in enumerate(fine):
        (coarse,) = axes[i + 1].runs
        if (coarse.along, run.size) != (run.along, block[i]):
            raise ValueError("another batch")
        axes[i + 1] = Axis((Run(run.along, coarse.size * run.size, coarse.step / run.size),))
    axes[0] = Axis(axes[0].runs[len(block) :])
    space = Space(tuple(axes), space.start, space.apart)
    for i in range(len(block)):
        size = space.axes[i + 1].size
        space = sliced(space, i + 1, crops[2 * i], size - crops[2 * i] - crops[2 * i + 1])
    return space
