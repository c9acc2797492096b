"""Primitives that move positions and change none: reshape, transpose, slice, join, reverse, gather."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import attrs
import numpy as np

from visioncam_core.engine import space as spaces_of
from visioncam_core.engine import space_moves as moves
from visioncam_core.engine.space import Axis, Run, Space
from visioncam_core.engine.space_reshape import reshaped
from visioncam_engines.jax.graph import Step
from visioncam_engines.jax.space.walk import Walk, rule


@rule("reshape", "squeeze", "expand_dims")
def _reshaped(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    if space is None:
        return None
    if step.name == "squeeze":
        gone = {int(axis) for axis in step.params["dimensions"]}
        if not any(space.axes[axis].batch for axis in gone):
            return attrs.evolve(space, axes=tuple(a for i, a in enumerate(space.axes) if i not in gone))
    return reshaped(space, batch_open(space, step.outputs[0].shape))


def batch_open(space: Space, shape: Sequence[int]) -> list[int | None]:
    """Return the lengths that a reshape makes, None for the axis that becomes the batch alone."""
    sizes: list[int | None] = list(shape)
    ahead = 1
    for run in (run for axis in space.axes for run in axis.runs or (Run(spaces_of.NONE, axis.size),)):
        if run.along == spaces_of.BATCH:
            break
        ahead *= run.size
    else:
        return sizes
    alone = next((i for i, size in enumerate(shape) if size == 1 and prod(shape[:i]) == ahead), None)
    if alone is not None:
        sizes[alone] = None
    return sizes


@rule("transpose")
def _transposed(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    return None if space is None else moves.permuted(space, [int(i) for i in step.params["permutation"]])


@rule("broadcast_in_dim")
def _repeated(walk: Walk, step: Step) -> Space | None:
    """An axis of length one is filled with copies, as is a new one."""
    space, shape = walk.of(step.inputs[0]), step.outputs[0].shape
    if space is None:
        return None
    axes = [Axis((Run(spaces_of.COPY, n),)) if n > 1 else Axis() for n in shape]
    for axis, place in zip(space.axes, step.params["broadcast_dimensions"], strict=True):
        if axis.size == shape[place]:
            axes[place] = axis
    return Space(tuple(axes), space.start, space.apart)


@rule("slice")
def _sliced(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    if space is None:
        return None
    begins = step.params["start_indices"]
    steps = step.params["strides"] or [1] * len(begins)
    for axis, (begin, size, by) in enumerate(zip(begins, step.outputs[0].shape, steps, strict=True)):
        if not space.axes[axis].batch:
            space = moves.sliced(space, axis, int(begin), size, int(by))
    return space


@rule("dynamic_slice")
def _computed_slice(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    if space is None:
        return None
    for axis, size in enumerate(step.outputs[0].shape):
        if size != space.axes[axis].size:
            begin = int(walk.constant(step.inputs[1 + axis]))
            length = space.axes[axis].size
            begin = min(max(begin + length if begin < 0 else begin, 0), length - size)
            space = moves.sliced(space, axis, begin, size)
    return space


@rule("split")
def _split(walk: Walk, step: Step) -> list[Space | None]:
    space = walk.of(step.inputs[0])
    if space is None:
        return []
    axis, begin = int(step.params["axis"]), 0
    found: list[Space | None] = []
    for size in map(int, step.params["sizes"]):
        found.append(moves.sliced(space, axis, begin, size))
        begin += size
    return found


@rule("concatenate")
def _joined(walk: Walk, step: Step) -> Space:
    axis = int(step.params["dimension"])
    turned = _turned_around(walk, step, axis)
    if turned is not None:
        return turned
    spaces = [walk.of(one) for one in step.inputs]
    if all(one.shape[axis] == 1 for one in step.inputs) and all(
        space is not None and not space.axes[axis].runs for space in spaces
    ):  # stacked: each was given an axis of its own
        flat = [
            attrs.evolve(space, axes=(*space.axes[:axis], *space.axes[axis + 1 :]))
            for space in spaces
            if space is not None
        ]
        return moves.stacked(flat, axis)
    return moves.appended(spaces, axis, [one.shape[axis] for one in step.inputs])


@rule("stack")
def _stacked(walk: Walk, step: Step) -> Space:
    axis = int(step.params["axis"])
    held = [walk.of(one) for one in step.inputs]
    known = [one for one in held if one is not None]
    if len(known) == len(held):
        return moves.stacked(known, axis)
    axes = list(spaces_of.merged(known, known[0].sizes).axes)
    return attrs.evolve(known[0], axes=(*axes[:axis], spaces_of.own(len(held)), *axes[axis:]))


@rule("unstack")
def _unstacked(walk: Walk, step: Step) -> list[Space | None]:
    space, axis = walk.of(step.inputs[0]), int(step.params["axis"])
    if space is None:
        return []
    pieces = [moves.sliced(space, axis, i, 1) for i in range(len(step.outputs))]
    return [attrs.evolve(one, axes=(*one.axes[:axis], *one.axes[axis + 1 :])) for one in pieces]


@rule("tile")
def _tiled(walk: Walk, step: Step) -> Space | None:
    """An axis of length one is filled with copies; positions that are repeated as a whole are not known."""
    space = walk.of(step.inputs[0])
    if space is None:
        return None
    axes = list(space.axes)
    for i, (axis, size) in enumerate(zip(axes, step.outputs[0].shape, strict=True)):
        if size != axis.size:
            torn = any(run.size > 1 and (run.placed or run.along == spaces_of.UNKNOWN) for run in axis.runs)
            axes[i] = Axis((Run(spaces_of.UNKNOWN if torn else spaces_of.COPY, size),))
    return attrs.evolve(space, axes=tuple(axes))


def _turned_around(walk: Walk, step: Step, axis: int) -> Space | None:
    """Return the space of two parts of one value put together the other way round, which is a roll."""
    parts = [walk.graph.made_by.get(one) for one in step.inputs]
    if len(parts) != 2 or any(part is None or part.name != "slice" for part in parts):
        return None
    late, early = (part for part in parts if part is not None)
    source, shape = late.inputs[0], step.outputs[0].shape
    space, count = walk.of(source), late.outputs[0].shape[axis]
    plain = all(
        part.params["strides"] is None or set(part.params["strides"]) == {1} for part in (late, early)
    )
    begins = [tuple(map(int, part.params["start_indices"])) for part in (late, early)]
    wanted = [tuple(shape[axis] - count if i == axis else 0 for i in range(len(shape))), (0,) * len(shape)]
    if (
        space is None
        or not plain
        or early.inputs[0] is not source
        or source.shape != shape
        or begins != wanted
    ):
        return None
    return moves.rolled(space, axis, count)


@rule("rev")
def _reversed(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    for axis in step.params["dimensions"] if space is not None else ():
        space = moves.reversed_axis(space, int(axis)) if space is not None else None
    return space


@rule("sort")
def _sorted(walk: Walk, step: Step) -> list[Space | None]:
    axis = int(step.params["dimension"])
    found = []
    for one in step.inputs:
        space = walk.of(one)
        torn = space is not None and space.axes[axis].placed
        found.append(
            space.with_axis(axis, spaces_of.unknown_axis(one.shape[axis])) if space and torn else space
        )
    return found


@rule("gather")
def _gathered(walk: Walk, step: Step) -> Space | None:
    space, chosen = walk.of(step.inputs[0]), walk.of(step.inputs[1])
    numbers = step.params["dimension_numbers"]
    if space is None and chosen is not None:  # rows of a table, looked up at each position
        inner = [step.outputs[0].shape[i] for i in numbers.offset_dims]
        looked_up = (*chosen.axes[:-1], *(spaces_of.own(n) for n in inner))
        return Space(looked_up, chosen.start, chosen.apart)
    if space is None or chosen is not None or len(numbers.operand_batching_dims):
        raise ValueError("a place that the picture decides")
    sizes, indices = step.params["slice_sizes"], walk.constant(step.inputs[1])
    gone = tuple(int(axis) for axis in numbers.collapsed_slice_dims)
    for column, axis in enumerate(numbers.start_index_map):
        if axis not in gone:  # a part of an axis, from one place
            begin = int(indices[..., column].reshape(-1)[0])
            if indices[..., column].size > 1:
                raise ValueError("several parts")
            space = moves.sliced(space, int(axis), begin, int(sizes[axis]))
    rank, offsets = len(step.outputs[0].shape), [int(i) for i in numbers.offset_dims]
    others = [i for i in range(rank) if i not in offsets]
    kept = [i for i in range(len(space.axes)) if i not in gone]
    taken: list[Axis] = [Axis()] * len(others)
    for column, axis in enumerate(numbers.start_index_map):
        if axis in gone:
            wanted = indices[..., column]
            space, one = picked(space, int(axis), wanted)
            if len(others) == 1:
                taken[0] = one
            elif one.size > 1:
                raise ValueError("indices of several axes")
    axes: list[Axis] = [Axis()] * rank
    for place, axis in zip(offsets, kept, strict=True):
        axes[place] = space.axes[axis]
    for place, one in zip(others, taken, strict=True):
        axes[place] = one
    return Space(tuple(axes), space.start, space.apart)


def picked(space: Space, axis: int, wanted: np.ndarray) -> tuple[Space, Axis]:
    """Return the space, and the axis that entries picked from one of its axes make."""
    size = space.axes[axis].size
    places = [int(n) % size for n in np.ravel(wanted)]
    step = places[1] - places[0] if len(places) > 1 else 1
    if step and places == list(range(places[0], places[0] + step * len(places), step)):
        found = moves.sliced(space, axis, places[0], len(places), step)
    else:
        found = _ordered(space, axis, places)
    return found, found.axes[axis]


def _ordered(space: Space, axis: int, places: Sequence[int]) -> Space:
    """Return the space after entries were put in an order of their own; a roll is recognised."""
    size = space.axes[axis].size
    shift = -places[0] % size
    if len(places) == size and list(places) == [(i - shift) % size for i in range(size)]:
        return moves.rolled(space, axis, shift)
    if len(places) % size == 0 and list(places) == [i // (len(places) // size) for i in range(len(places))]:
        return moves.slid(space, axis, len(places), size / len(places), 0.5 * size / len(places) - 0.5)
    torn = space.axes[axis].placed or space.axes[axis].unknown
    return space.with_axis(axis, spaces_of.unknown_axis(len(places)) if torn else spaces_of.own(len(places)))
