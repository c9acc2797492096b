"""Operations that move positions and change none: reshape, transpose, slice, join, roll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visioncam_core.engine import space as spaces_of
from visioncam_core.engine import space_moves as moves
from visioncam_core.engine.space import Axis, Run, Space
from visioncam_core.engine.space_reshape import reshaped
from visioncam_engines.tensorflow.graph.graph import constant
from visioncam_engines.tensorflow.space.shapes import length, numbers, value
from visioncam_engines.tensorflow.space.walk import Walk, rule


@rule("Reshape", "Squeeze", "ExpandDims")
def _reshaped(walk: Walk, op: Any) -> Space | None:
    space, shape = walk.of(op.inputs[0]), walk.shape(op.outputs[0])
    if space is None or shape is None:
        return None
    return reshaped(space, shape)


@rule("Transpose")
def _transposed(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    return None if space is None else moves.permuted(space, numbers(walk, op.inputs[1]))


@rule("StridedSlice")
def _strided_slice(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    masks = {
        name: op.get_attr(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")
    }
    begins, ends, steps = (_partly(walk, op.inputs[i]) for i in (1, 2, 3))
    rank, count = len(space.axes), len(begins)
    inner = sum(1 for i in range(count) if not (masks["new_axis"] | masks["ellipsis"]) >> i & 1)
    axis = 0
    dropped: list[int] = []
    added: list[int] = []
    for i in range(count):
        if masks["ellipsis"] >> i & 1:
            axis += rank - inner
        elif masks["new_axis"] >> i & 1:
            added.append(axis - len(dropped) + len(added))
        else:
            length = space.axes[axis].size
            step = steps[i] or 1
            batch = space.axes[axis].batch
            if not batch and masks["shrink_axis"] >> i & 1:
                at = _number(begins[i])
                space = moves.sliced(space, axis, at % length, 1)
                dropped.append(axis)
            elif not batch:
                begin = None if masks["begin"] >> i & 1 else _number(begins[i])
                end = None if masks["end"] >> i & 1 else _number(ends[i])
                taken = range(*slice(begin, end, step).indices(length))
                space = moves.sliced(space, axis, taken.start, len(taken), step)
            elif masks["shrink_axis"] >> i & 1:
                raise ValueError("one picture of the batch")
            axis += 1
    axes = [one for i, one in enumerate(space.axes) if i not in dropped]
    for place in added:
        axes.insert(place, Axis())
    return Space(tuple(axes), space.start, space.apart)


def _partly(walk: Walk, tensor: Any) -> list[int | None]:
    """Return the entries of a small vector of numbers, None for one that the batch decides."""
    if tensor.op.type != "Pack" or constant(tensor) is not None:
        return list(numbers(walk, tensor))
    found: list[int | None] = []
    for part in tensor.op.inputs:
        try:
            found.append(numbers(walk, part)[0])
        except (ValueError, TypeError):
            found.append(None)
    return found


def _number(value: int | None) -> int:
    if value is None:
        raise ValueError("a computed place")
    return value


@rule("Slice")
def _slice(walk: Walk, op: Any) -> Space | None:
    space, shape = walk.of(op.inputs[0]), walk.shape(op.outputs[0])
    if space is None or shape is None:
        return None
    begins = _partly(walk, op.inputs[1])
    for axis, size in enumerate(shape):
        batch = space.axes[axis].batch
        if size is None and not batch:
            raise ValueError("an open axis")
        if size is not None and size != space.axes[axis].size:
            space = moves.sliced(space, axis, _number(begins[axis]), size)
    return space


@rule("Split", "SplitV", "Unpack")
def _split(walk: Walk, op: Any) -> list[Space | None]:
    space = walk.of(op.inputs[1] if op.type == "Split" else op.inputs[0])
    if space is None:
        return []
    rank = len(space.axes)
    if op.type == "Unpack":
        axis = int(op.get_attr("axis")) % rank
        parts = [1] * len(op.outputs)
    else:
        axis = numbers(walk, op.inputs[0] if op.type == "Split" else op.inputs[2])[0] % rank
        parts = [(walk.shape(one) or ())[axis] or 1 for one in op.outputs]
    found: list[Space | None] = []
    begin = 0
    for part in parts:
        piece = moves.sliced(space, axis, begin, part)
        if op.type == "Unpack":
            axes = tuple(one for i, one in enumerate(piece.axes) if i != axis)
            piece = Space(axes, piece.start, piece.apart)
        found.append(piece)
        begin += part
    return found


@rule("ConcatV2")
def _concatenated(walk: Walk, op: Any) -> Space:
    values = list(op.inputs)[:-1]
    axis = numbers(walk, op.inputs[len(values)])[0] % values[0].shape.rank
    spaces = [walk.of(one) for one in values]
    lengths = [
        space.axes[axis].size if space else length(walk, one, axis)
        for one, space in zip(values, spaces, strict=True)
    ]
    return moves.appended(spaces, axis, lengths)


@rule("Pack")
def _stacked(walk: Walk, op: Any) -> Space:
    held = [walk.of(one) for one in op.inputs]
    axis = int(op.get_attr("axis")) % (op.inputs[0].shape.rank + 1)
    if any(one is None for one in held):
        axes = list(spaces_of.merged(walk.placed(op), walk.placed(op)[0].sizes).axes)
        return Space((*axes[:axis], spaces_of.own(len(held)), *axes[axis:]), walk.start(op))
    return moves.stacked([one for one in held if one is not None], axis)


@rule("Roll")
def _rolled(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    for shift, axis in zip(numbers(walk, op.inputs[1]), numbers(walk, op.inputs[2]), strict=True):
        space = moves.rolled(space, axis % len(space.axes), shift)
    return space


@rule("ReverseV2")
def _reversed(walk: Walk, op: Any) -> Space | None:
    space = walk.of(op.inputs[0])
    if space is None:
        return None
    for axis in numbers(walk, op.inputs[1]):
        space = moves.reversed_axis(space, axis % len(space.axes))
    return space


@rule("Tile", "BroadcastTo")
def _repeated(walk: Walk, op: Any) -> Space | None:
    """An axis of length one is filled with copies; positions that are repeated as a whole are not known."""
    space, shape = walk.of(op.inputs[0]), walk.shape(op.outputs[0])
    if space is None or shape is None:
        return None
    axes = [*[Axis()] * (len(shape) - len(space.axes)), *space.axes]
    for i, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if size is not None and size != axis.size:
            placed = any(run.size > 1 and (run.placed or run.along == spaces_of.UNKNOWN) for run in axis.runs)
            axes[i] = Axis((Run(spaces_of.UNKNOWN if placed else spaces_of.COPY, size),))
    return Space(tuple(axes), space.start, space.apart)


@rule("GatherV2", "ResourceGather", "Gather")
def _gathered(walk: Walk, op: Any) -> Space | list[Space | None] | None:
    space, chosen = walk.of(op.inputs[0]), walk.of(op.inputs[1])
    if space is None and chosen is not None:  # rows of a table, looked up at each position
        params = op.outputs[0].shape[len(chosen.axes) :]
        return Space((*chosen.axes, *(spaces_of.own(n or 1) for n in params)), chosen.start, chosen.apart)
    if space is None or chosen is not None:
        return walk.unknown(op)
    axis = numbers(walk, op.inputs[2])[0] % len(space.axes)
    held = space.axes[axis]
    try:
        indices = value(walk, op.inputs[1])
    except (ValueError, TypeError):  # which pictures of a batch, or of channels, does not matter
        if (
            op.inputs[1].shape.rank == 1
            and all(run.along == spaces_of.BATCH for run in held.runs)
            and held.runs
        ):
            return space
        indices = None
    if indices is None or np.ndim(indices) > 1:
        if held.placed or held.unknown or held.batch:
            return walk.unknown(op)
        lengths = walk.shape(op.inputs[1]) or ()
        axes = [spaces_of.own(n or 1) for n in lengths]
        return Space((*space.axes[:axis], *axes, *space.axes[axis + 1 :]), space.start, space.apart)
    wanted = [int(n) % space.axes[axis].size for n in np.ravel(indices)]
    step = wanted[1] - wanted[0] if len(wanted) > 1 else 1
    if step and wanted == list(range(wanted[0], wanted[0] + step * len(wanted), step)):
        found = moves.sliced(space, axis, wanted[0], len(wanted), step)
    else:
        found = _permuted_entries(space, axis, wanted)
    if np.ndim(indices) == 0:
        return Space(tuple(one for i, one in enumerate(found.axes) if i != axis), found.start, found.apart)
    return found


def _permuted_entries(space: Space, axis: int, wanted: Sequence[int]) -> Space:
    """Return the space after entries were put in an order of their own; a roll is recognised."""
    size = space.axes[axis].size
    shift = -wanted[0] % size
    if len(wanted) == size and list(wanted) == [(i - shift) % size for i in range(size)]:
        return moves.rolled(space, axis, shift)
    torn = space.axes[axis].placed or space.axes[axis].unknown
    return space.with_axis(axis, spaces_of.unknown_axis(len(wanted)) if torn else spaces_of.own(len(wanted)))
