"""Functions that move positions and change none: reshape, transpose, slice, join, roll, repeat."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.engine import space as spaces_of
from visioncam_core.engine import space_moves as moves
from visioncam_core.engine.space import Axis, Run, Space
from visioncam_core.engine.space_reshape import reshaped
from visioncam_engines.torch.space.slices import indexed, painted, taken_at
from visioncam_engines.torch.space.walk import Found, Step, rule


@rule("reshape", "view", "reshape_as", "view_as", "flatten", "unflatten", "ravel", "_unsafe_view")
def _reshaped(step: Step) -> Found:
    sizes: list[int | None] = list(step.shape)
    place = step.batch_at(step.node.made[0])
    if place is not None:
        sizes[place] = None
    return reshaped(step.first, sizes)


@rule("squeeze", "unsqueeze", "expand_dims")
def _lengths_of_one(step: Step) -> Found:
    space, name = step.first, step.name
    if name != "squeeze":
        place = step.number_of(1, "dim") % (len(space.axes) + 1)
        return attrs.evolve(space, axes=(*space.axes[:place], Axis(), *space.axes[place:]))
    given = step.rest(1, "dim")
    rank = len(space.axes)
    wanted = range(rank) if given is None else [n % rank for n in _list(given)]
    gone = [i for i in wanted if space.axes[i].size == 1 and not space.axes[i].batch]
    return attrs.evolve(space, axes=tuple(one for i, one in enumerate(space.axes) if i not in gone))


def _list(given: Any) -> list[int]:
    return [int(n) for n in given] if isinstance(given, list | tuple) else [int(given)]


@rule("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "numpy_T", "adjoint")
def _permuted(step: Step) -> Found:
    space, name = step.first, step.name
    rank = len(space.axes)
    if name == "permute":
        order = [n % rank for n in step.rest(1, "dims")]
    elif name in ("t", "adjoint"):
        order = [*range(rank - 2), rank - 1, rank - 2] if rank > 1 else [0]
    elif name.startswith("move"):
        source = [n % rank for n in _list(step.number_of(1, "source"))]
        target = [n % rank for n in _list(step.number_of(2, "destination"))]
        rest = iter(i for i in range(rank) if i not in source)
        order = [source[target.index(i)] if i in target else next(rest) for i in range(rank)]
    else:
        one = step.number_of(1, "dim0", step.node.kwargs.get("axis0")) % rank
        other = step.number_of(2, "dim1", step.node.kwargs.get("axis1")) % rank
        order = list(range(rank))
        order[one], order[other] = other, one
    return moves.permuted(space, order)


@rule("get_T", "get_mT", "get_H", "get_mH")
def _turned(step: Step) -> Found:
    space = step.first
    rank = len(space.axes)
    every = step.name in ("get_T", "get_H")
    order = list(reversed(range(rank))) if every else [*range(rank - 2), rank - 1, rank - 2]
    return moves.permuted(space, order)


@rule("__getitem__")
def _indexed(step: Step) -> Found:
    return indexed(step.first, step.node.args[1], step.value, step.alone)


@rule("__setitem__")
def _written(step: Step) -> Found:
    target, index, given = step.node.args
    old = step.of(target)
    value = step.of(given)
    shape = step.lengths(target)
    if value is None:
        return old
    return painted(old, value, index, shape)


@rule("narrow")
def _narrowed(step: Step) -> Found:
    space = step.first
    axis, begin, count = (step.number_of(i, n) for i, n in ((1, "dim"), (2, "start"), (3, "length")))
    return space if space.axes[axis].batch else moves.sliced(space, axis % len(space.axes), begin, count)


@rule("select")
def _selected(step: Step) -> Found:
    space = step.first
    axis, place = step.number_of(1, "dim") % len(step.first.axes), step.number_of(2, "index")
    return indexed(space, (*[slice(None)] * axis, place), step.value, step.alone)


@rule("index_select", "take_along_dim", "gather")
def _chosen(step: Step) -> Found:
    space, axis = step.first, step.number_of(1, "dim")
    wanted = step.value(step.get(2, "index"))
    if wanted.ndim > 1:
        raise ValueError("each position has an index of its own")
    return taken_at(space, axis % len(space.axes), wanted)


@rule("chunk", "split", "tensor_split", "unbind", "unsafe_chunk", "unsafe_split", "split_with_sizes")
def _split(step: Step) -> Found:
    space, name = step.first, step.name
    place = 1 if name == "unbind" else 2
    axis = step.number_of(place, "dim", 0) % len(space.axes)
    found: list[Space | None] = []
    begin = 0
    for value in step.node.made:
        count = 1 if name == "unbind" else step.walk.trace.shapes[value][axis]
        batch = space.axes[axis].batch
        if batch and not step.alone:
            raise ValueError("pictures one by one")
        piece = space if batch else moves.sliced(space, axis, begin, count)
        if name == "unbind":
            piece = attrs.evolve(piece, axes=tuple(one for i, one in enumerate(piece.axes) if i != axis))
        found.append(piece)
        begin += count
    return found


@rule("cat", "concat", "concatenate", "hstack", "vstack", "dstack")
def _joined(step: Step) -> Found:
    parts = list(step.get(0, "tensors"))
    rank = len(step.shape)
    named = {"hstack": 1, "vstack": 0, "dstack": 2}.get(step.name)
    axis = (step.number_of(1, "dim", step.node.kwargs.get("axis", 0)) if named is None else named) % rank
    spaces, lengths = [], []
    for part in parts:
        shape = step.lengths(part)
        if len(shape) == rank:  # torch leaves empty vectors out
            spaces.append(step.of(part))
            lengths.append(shape[axis])
    if any(space is not None and space.axes[axis].batch for space in spaces):
        raise ValueError("pictures joined with others")
    return moves.appended(spaces, axis, lengths) if len(spaces) > 1 else spaces[0]


@rule("stack")
def _stacked(step: Step) -> Found:
    held = [step.of(part) for part in step.get(0, "tensors")]
    known = [one for one in held if one is not None]
    axis = step.number_of(1, "dim", 0) % (len(known[0].axes) + 1)
    if len(known) < len(held):
        axes = list(spaces_of.merged(known, known[0].sizes).axes)
        axes.insert(axis, spaces_of.own(len(held)))
        return attrs.evolve(known[0], axes=tuple(axes))
    return moves.stacked(known, axis)


@rule("roll")
def _rolled(step: Step) -> Found:
    space = step.first
    shifts, axes = _list(step.number_of(1, "shifts")), _list(step.number_of(2, "dims"))
    for shift, axis in zip(shifts, axes, strict=True):
        space = moves.rolled(space, axis % len(space.axes), shift)
    return space


@rule("flip", "fliplr", "flipud", "rot90")
def _reversed(step: Step) -> Found:
    space, name = step.first, step.name
    if name == "rot90":
        axes = [n % len(space.axes) for n in step.number_of(2, "dims", [0, 1])]
        turns = step.number_of(1, "k", 1) % 4
        order = list(range(len(space.axes)))
        if turns % 2:
            order[axes[0]], order[axes[1]] = axes[1], axes[0]
        space = moves.permuted(space, order)
        turned = {0: [], 1: axes[:1], 2: axes, 3: axes[1:]}[turns]
    else:
        turned = {"fliplr": [1], "flipud": [0]}.get(name) or step.rest(1, "dims")
    for axis in turned:
        space = moves.reversed_axis(space, axis % len(space.axes))
    return space


@rule("expand", "expand_as", "broadcast_to", "repeat", "tile")
def _repeated(step: Step) -> Found:
    """An axis of length one is filled with copies; positions that are repeated as a whole are not known."""
    space, shape = step.first, step.shape
    axes = [*[Axis()] * (len(shape) - len(space.axes)), *space.axes]
    for i, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if axis.batch and size != axis.size:
            raise ValueError("pictures repeated as a whole")
        if size != axis.size:
            placed = any(run.size > 1 and (run.placed or run.along == spaces_of.UNKNOWN) for run in axis.runs)
            axes[i] = Axis((Run(spaces_of.UNKNOWN if placed else spaces_of.COPY, size),))
    return attrs.evolve(space, axes=tuple(axes))


@rule("repeat_interleave")
def _each_repeated(step: Step) -> Found:
    space = step.first
    axis, count = step.number_of(2, "dim") % len(space.axes), step.get(1, "repeats")
    many = np.unique(step.value(count))
    if many.size != 1:
        raise ValueError("repeated unequally")
    times = int(many[0])
    held = space.axes[axis]
    if held.batch:
        return space.with_axis(axis, Axis((*held.runs, Run(spaces_of.COPY, times))))
    return moves.slid(space, axis, held.size * times, 1 / times, 0.5 / times - 0.5)


@rule("channel_shuffle", "native_channel_shuffle")
def _shuffled(step: Step) -> Found:
    space = step.first
    held = space.axes[1]
    return space.with_axis(1, spaces_of.unknown_axis(held.size)) if held.placed else space


@rule("view_as_complex", "view_as_real")
def _complex(step: Step) -> Found:
    space = step.first
    if step.name == "view_as_real":
        return attrs.evolve(space, axes=(*space.axes, spaces_of.own(2)))
    return attrs.evolve(space, axes=space.axes[:-1])
