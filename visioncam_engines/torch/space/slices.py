"""What an index in brackets takes of a tensor, and what a write into it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine import space_moves as moves
from visioncam_core.engine.space import Axis, Space, finest, merged, own, unknown_axis
from visioncam_engines.torch.tape.records import Grows, Ref

Values = Callable[[Any], np.ndarray]
"""An argument that does not depend on the inputs -> its values."""
ONE_CELL = 1.01
"""Cells by which what is written may lie beside where the tensor has its place."""


def entries(index: Any, rank: int) -> list[tuple[int | None, Any]]:
    """Return (axis, entry) of an index in order, an ellipsis written out; the axis of a new one is None."""
    given = list(index) if isinstance(index, tuple) else [index]
    taken = sum(1 for one in given if one is not None and one is not Ellipsis)
    if not any(one is Ellipsis for one in given):
        given.append(Ellipsis)
    found: list[tuple[int | None, Any]] = []
    axis = 0
    for one in given:
        if one is None:
            found.append((None, None))
        elif one is Ellipsis:
            found += [(axis + i, slice(None)) for i in range(rank - taken)]
            axis += rank - taken
        else:
            found.append((axis, one))
            axis += 1
    if axis != rank:
        raise ValueError("an index of several axes at once")
    return found


def counted(one: slice, size: int) -> range:
    """Return the entries that a slice takes, for one picture."""
    bounds = [bound.base if isinstance(bound, Grows) else bound for bound in (one.start, one.stop, one.step)]
    if any(isinstance(bound, Ref | torch.Tensor) for bound in bounds):
        raise ValueError("a computed place")
    return range(*slice(*bounds).indices(size))


def indexed(space: Space, index: Any, values: Values, alone: bool = False) -> Space:
    """Return the space of `tensor[index]`; also of `batch[0]`, of a picture `alone` in its batch."""
    axes: list[int | Axis] = []  # of the result: an axis of `space` by its place, or a new one
    several = 0
    for axis, one in entries(index, len(space.axes)):
        if axis is None:
            axes.append(Axis())
            continue
        held = space.axes[axis]
        if isinstance(one, slice):
            if not (held.batch and (one.step or 1) == 1):
                taken = counted(one, held.size)
                space = moves.sliced(space, axis, taken.start, len(taken), taken.step)
            axes.append(axis)
        elif isinstance(one, int) and not isinstance(one, bool):
            if held.batch and not alone:
                raise ValueError("one picture of the batch")
            space = space if held.batch else moves.sliced(space, axis, one % held.size, 1)
        else:
            several += 1
            if several > 1:
                raise ValueError("indices of several axes")
            wanted = values(one)
            space = taken_at(space, axis, wanted)
            axes += [own(n) for n in wanted.shape] if wanted.ndim > 1 else [axis] * wanted.ndim
    kept = [one if isinstance(one, Axis) else space.axes[one] for one in axes]
    return attrs.evolve(space, axes=tuple(kept))


def taken_at(space: Space, axis: int, wanted: np.ndarray) -> Space:
    """Return the space of chosen entries of an axis; of several axes of them, the entries in a row."""
    held = space.axes[axis]
    if wanted.dtype == bool:
        if wanted.shape != (held.size,):
            raise ValueError("a mask of several axes")
        wanted = np.flatnonzero(wanted)
    if held.batch:
        raise ValueError("some pictures of the batch")
    if wanted.ndim > 1 and (held.placed or held.unknown):
        raise ValueError("positions in an order of their own, in several axes")
    places = [int(n) % held.size for n in wanted.reshape(-1)]
    step = places[1] - places[0] if len(places) > 1 else 1
    if step and places == list(range(places[0], places[0] + step * len(places), step)):
        return moves.sliced(space, axis, places[0], len(places), step)
    return in_order(space, axis, places)


def in_order(space: Space, axis: int, wanted: Sequence[int]) -> Space:
    """Return the space after entries were put in an order of their own; a roll is recognised."""
    size = space.axes[axis].size
    shift = -wanted[0] % size
    if len(wanted) == size and list(wanted) == [(i - shift) % size for i in range(size)]:
        return moves.rolled(space, axis, shift)
    torn = space.axes[axis].placed or space.axes[axis].unknown
    return space.with_axis(axis, unknown_axis(len(wanted)) if torn else own(len(wanted)))


def painted(target: Space | None, value: Space, index: Any, shape: Sequence[int]) -> Space:
    """Return the space of a tensor after `tensor[index] = value`.

    Args:
        target: its space before; None for a blank one.
        value: what is written.
        index: where.
        shape: lengths of the tensor's axes.
    """
    canvas = _canvas(value, index, shape)
    if target is None or not any(axis.placed or axis.unknown for axis in target.axes):
        return canvas
    if not any(axis.placed for axis in value.axes) or any(axis.unknown for axis in target.axes):
        return target
    off = []
    for along, (here, there) in enumerate(zip(target.start, canvas.start, strict=True)):
        one, other = finest(target, along), finest(canvas, along)
        if (one is None) != (other is None):
            return _torn(target)
        if one is not None and other is not None:
            if abs(one.step - other.step) > 0.02 * abs(one.step):
                return _torn(target)
            of_value = finest(value, along) or other
            if abs(there - here) > ONE_CELL * max(abs(of_value.step), abs(one.step)):
                return _torn(target)
        off.append(there - here)
    merged([target, canvas], target.sizes)  # raises where they do not fit
    # Slices that take turns, all of the same places, are finer positions around them.
    middle = [here + gap / 2 for here, gap in zip(target.start, off, strict=True)]
    return attrs.evolve(target, start=tuple(middle))


def _torn(space: Space) -> Space:
    axes = tuple(unknown_axis(axis.size) if axis.placed else axis for axis in space.axes)
    return attrs.evolve(space, axes=axes)


def _canvas(value: Space, index: Any, shape: Sequence[int]) -> Space:
    """Return the space of a blank tensor of which a part was written."""
    places = entries(index, len(shape))
    count = sum(1 for _, one in places if one is None or isinstance(one, slice))
    axes = [*[Axis()] * (count - len(value.axes)), *value.axes]
    space = attrs.evolve(value, axes=tuple(own(n) for n in shape))
    for axis, one in places:
        if axis is None:
            axes.pop(0)
        elif isinstance(one, slice):
            taken, held = counted(one, shape[axis]), axes.pop(0)
            if held.batch:
                space = space.with_axis(axis, held)
            elif held.size == len(taken):
                space = space.with_axis(axis, held)
                if len(taken) != shape[axis] or taken.step != 1:
                    space = moves.slid(space, axis, shape[axis], 1 / taken.step, -taken.start / taken.step)
        elif not isinstance(one, int):
            raise ValueError("a part that is not a slice")
    return space
