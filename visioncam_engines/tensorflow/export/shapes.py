"""The gradients of operations that move values: slices, joins, transposes, means, resizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_core.errors import GradientError
from visioncam_engines.tensorflow.export.rules import fit, rule, shape_of
from visioncam_engines.tensorflow.graph.graph import constant


def fixed(op: Any, place: int) -> np.ndarray:
    """Return an input's constant value.

    Raises:
        GradientError: it is computed.
    """
    found = constant(op.inputs[place])
    if found is None:
        raise GradientError(f"the operation {op.name!r} ({op.type}) moves values to places that are computed")
    return np.asarray(found)


def only(op: Any, slope: Any) -> list[Any]:
    """Return the gradients of an operation whose first input alone has one."""
    return [slope] + [None] * (len(op.inputs) - 1)


def along(values: Any, matrix: np.ndarray, axis: int) -> Any:
    """Return values with an axis of n multiplied by an (n, m) matrix, so that it has m."""
    import tensorflow as tf

    rank = values.shape.rank
    order = [i for i in range(rank) if i != axis] + [axis]
    product = tf.matmul(tf.transpose(values, order), tf.constant(matrix, values.dtype))
    return tf.transpose(product, np.argsort(order))


@rule("Reshape", "Squeeze", "ExpandDims")
def _reshaped(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    return only(op, tf.reshape(dy, shape_of(op.inputs[0])))


@rule("Transpose")
def _transposed(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    return only(op, tf.transpose(dy, np.argsort(fixed(op, 1))))


@rule("Mean", "Sum")
def _added(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    shape, axes = shape_of(op.inputs[0]), _axes(op)
    kept = [1 if i in axes else n for i, n in enumerate(shape)]
    if any(shape[i] < 0 for i in axes):
        raise GradientError(f"the operation {op.name!r} ({op.type}) mixes the pictures of a batch")
    count = float(np.prod([shape[i] for i in axes], dtype=float)) if op.type == "Mean" else 1.0
    times = [shape[i] if i in axes else 1 for i in range(len(shape))]
    return only(op, tf.tile(tf.reshape(dy / count, kept), times))


@rule("Max", "Min")
def _most(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    x, axes = op.inputs[0], _axes(op)
    kept = [1 if i in axes else n for i, n in enumerate(shape_of(x))]
    here = tf.cast(tf.equal(x, tf.reshape(op.outputs[0], kept)), dy.dtype)
    return only(op, tf.reshape(dy, kept) / tf.reduce_sum(here, axes, keepdims=True) * here)


def _axes(op: Any) -> list[int]:
    rank = op.inputs[0].shape.rank
    return [int(i) % rank for i in fixed(op, 1).reshape(-1)]


@rule("ConcatV2")
def _joined(op: Any, dy: Any) -> list[Any]:
    *parts, _ = op.inputs
    axis, start, found = int(fixed(op, len(parts))) % dy.shape.rank, 0, []
    for part in parts:
        end = start + shape_of(part)[axis]
        found.append(dy[(slice(None),) * axis + (slice(start, end),)])
        start = end
    return [*found, None]


@rule("Pack")
def _stacked(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    return list(tf.unstack(dy, len(op.inputs), axis=op.get_attr("axis")))


@rule("Unpack", "Split", "SplitV")
def _parted(op: Any, dy: list[Any]) -> list[Any]:
    import tensorflow as tf

    parts = [tf.zeros_like(y) if d is None else d for d, y in zip(dy, op.outputs, strict=True)]
    if op.type == "Unpack":
        return [tf.stack(parts, axis=op.get_attr("axis"))]
    if op.type == "Split":
        return [None, tf.concat(parts, int(fixed(op, 0)))]
    return [tf.concat(parts, int(fixed(op, 2))), None, None]


@rule("Pad", "PadV2")
def _padded(op: Any, dy: Any) -> list[Any]:
    shape = shape_of(op.inputs[0])
    begins = fixed(op, 1)[:, 0]
    index = [slice(None) if n < 0 else slice(int(b), int(b) + n) for b, n in zip(begins, shape, strict=True)]
    return only(op, dy[tuple(index)])


@rule("Slice")
def _sliced(op: Any, dy: Any) -> list[Any]:
    shape, begins, sizes = shape_of(op.inputs[0]), fixed(op, 1), fixed(op, 2)
    for axis, (n, begin, size) in enumerate(zip(shape, begins, sizes, strict=True)):
        if n >= 0:
            dy = _put(dy, np.arange(begin, n if size < 0 else begin + size), axis, n)
        elif begin or size >= 0:
            raise GradientError(f"the operation {op.name!r} (Slice) picks pictures out of a batch")
    return only(op, dy)


@rule("StridedSlice")
def _strided(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    begin, end, step = (fixed(op, i) for i in (1, 2, 3))
    masks = {
        name: int(op.get_attr(f"{name}_mask"))
        for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    shape, axis, found = shape_of(op.inputs[0]), 0, []
    for i in range(len(begin)):
        has = {name: bool(mask >> i & 1) for name, mask in masks.items()}
        if has["ellipsis"]:
            left = sum(not masks["new_axis"] >> j & 1 for j in range(i + 1, len(begin)))
            while axis < len(shape) - left:
                found.append(np.arange(max(shape[axis], 0)))
                axis += 1
        elif not has["new_axis"]:
            n = shape[axis]
            whole = has["begin"] and has["end"] and step[i] == 1 and not has["shrink_axis"]
            if n < 0 and not whole:
                raise GradientError(f"the operation {op.name!r} (StridedSlice) picks pictures out of a batch")
            part = slice(
                None if has["begin"] else int(begin[i]), None if has["end"] else int(end[i]), int(step[i])
            )
            at = np.arange(max(n, 0))
            found.append(at[int(begin[i])][None] if has["shrink_axis"] else at[part])
            axis += 1
    found += [np.arange(max(n, 0)) for n in shape[len(found) :]]
    dy = tf.reshape(dy, [n if n < 0 else len(at) for n, at in zip(shape, found, strict=True)])
    for place, (n, at) in enumerate(zip(shape, found, strict=True)):
        dy = dy if n < 0 else _put(dy, at, place, n)
    return only(op, dy)


@rule("GatherV2")
def _gathered(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    axis, at, shape = int(fixed(op, 2)), fixed(op, 1), shape_of(op.inputs[0])
    axis %= len(shape)
    if shape[axis] < 0 or op.get_attr("batch_dims"):
        raise GradientError(f"the operation {op.name!r} (GatherV2) picks pictures out of a batch")
    flat = tf.reshape(dy, [*shape[:axis], at.size, *shape[axis + 1 :]])
    return only(op, _put(flat, at.reshape(-1), axis, shape[axis]))


def _put(dy: Any, at: np.ndarray, axis: int, n: int) -> Any:
    """Return values put at places of an axis of n, zeros elsewhere; those at one place are added."""
    import tensorflow as tf

    if np.array_equal(at, np.arange(n)):
        return dy
    if len(at) and np.array_equal(at, np.arange(at[0], at[0] + len(at))):
        pads = [[0, 0]] * dy.shape.rank
        pads[axis] = [int(at[0]), int(n - at[0] - len(at))]
        return tf.pad(dy, pads)
    return along(dy, np.eye(n, dtype=np.float32)[at], axis)


@rule("Tile")
def _tiled(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    shape, times = shape_of(op.inputs[0]), fixed(op, 1)
    if shape and times[0] != 1 and shape[0] < 0:
        raise GradientError(f"the operation {op.name!r} (Tile) repeats the pictures of a batch")
    for axis in np.flatnonzero(times != 1):
        n = shape[axis]
        rest = [int(a * b) for a, b in zip(shape[axis + 1 :], times[axis + 1 :], strict=True)]
        dy = tf.reduce_sum(tf.reshape(dy, [*shape[:axis], int(times[axis]), n, *rest]), axis)
    return only(op, dy)


@rule("BroadcastTo")
def _broadcast(op: Any, dy: Any) -> list[Any]:
    return only(op, fit(dy, op.inputs[0]))


@rule("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")
def _resized(op: Any, dy: Any) -> list[Any]:
    """Each axis is resized by itself: the rows of its matrix are what the operation makes of ones."""
    import tensorflow as tf

    (_, *sides, _), size = shape_of(op.inputs[0]), fixed(op, 1)
    how = {name: op.get_attr(name) for name in ("align_corners", "half_pixel_centers")}
    for axis, (n, m) in enumerate(zip(sides, size, strict=True), start=1):
        with tf.init_scope():
            line = tf.reshape(tf.eye(n), [n, n, 1, 1])
            matrix = getattr(tf.raw_ops, op.type)(images=line, size=[int(m), 1], **how).numpy()[:, :, 0, 0]
        dy = along(dy, matrix.T, axis)
    return only(op, dy)


@rule("DepthToSpace", "SpaceToDepth")
def _depth(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    back = tf.nn.space_to_depth if op.type == "DepthToSpace" else tf.nn.depth_to_space
    return [back(dy, op.get_attr("block_size"), op.get_attr("data_format").decode())]


@rule("SpaceToBatchND", "BatchToSpaceND")
def _batches(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    back = tf.batch_to_space if op.type == "SpaceToBatchND" else tf.space_to_batch
    return [back(dy, fixed(op, 1), fixed(op, 2)), None, None]
