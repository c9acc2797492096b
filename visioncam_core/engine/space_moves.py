"""What operations that move positions make of a space: transpose, slice, join, roll, slide, resample."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import attrs

from visioncam_core.engine.space import (
    Axis,
    Run,
    Space,
    consistent,
    finest,
    merged,
    own,
    unknown_axis,
    unplaced,
)


def permuted(space: Space, order: Sequence[int]) -> Space:
    """Return the space after a transposition."""
    return attrs.evolve(space, axes=tuple(space.axes[i] for i in order))


def appended(spaces: Sequence[Space | None], axis: int, lengths: Sequence[int]) -> Space:
    """Return the space of tensors joined along an axis; None is one that does not depend on the picture.

    Entries without positions before or behind those of the picture are kept apart; two pieces of the picture
    are one again where the second goes on where the first ends.
    """
    spaces = _with_single_entries(spaces, axis, lengths)
    known = [(space, n) for space, n in zip(spaces, lengths, strict=True)]
    placed = [i for i, (space, _) in enumerate(known) if space is not None and space.axes[axis].placed]
    base = next(space for space in spaces if space is not None)
    single = max(lengths) == 1 and None not in spaces and not any(one.placed for one in base.axes)
    if not placed and single:
        every = [one for one in spaces if one is not None]
        return stacked(
            [attrs.evolve(one, axes=(*one.axes[:axis], *one.axes[axis + 1 :])) for one in every], axis
        )
    if not placed:
        of_picture = [space for space in spaces if space is not None]
        sizes = list(base.sizes)
        sizes[axis] = 1
        others = merged([space.with_axis(axis, Axis()) for space in of_picture], sizes)
        total = sum(lengths)
        torn = any(space.axes[axis].unknown for space in of_picture)
        return others.with_axis(axis, unknown_axis(total) if torn else own(total))
    pieces = [known[i][0] for i in range(placed[0], placed[-1] + 1)]
    whole = _continued([piece for piece in pieces if piece is not None], axis, len(pieces))
    if whole is None:
        first = known[placed[0]][0]
        assert first is not None
        return first.with_axis(axis, unknown_axis(sum(lengths)))
    one = whole.axes[axis]
    lead, trail = sum(lengths[: placed[0]]), sum(lengths[placed[-1] + 1 :])
    return whole.with_axis(axis, Axis(one.runs, one.lead + lead, one.trail + trail))


def _with_single_entries(
    spaces: Sequence[Space | None], axis: int, lengths: Sequence[int]
) -> Sequence[Space | None]:
    """Return pieces in which single positions that go on where another ends, or before it, have a run."""
    runs = [space.axes[axis].runs[0] for space in spaces if space and len(space.axes[axis].runs) == 1]
    if not (runs and runs[0].placed and 1 in lengths) or any(space is None for space in spaces):
        return spaces
    run = attrs.evolve(runs[0], size=1)
    found = [
        space.with_axis(axis, Axis((run,)))
        if space and n == 1 and not space.axes[axis].runs and finest(space, run.along) is None
        else space
        for space, n in zip(spaces, lengths, strict=True)
    ]
    whole = all(one and len(one.axes[axis].runs) == 1 and one.axes[axis].runs[0].placed for one in found)
    return found if whole and _continued([one for one in found if one], axis, len(found)) else spaces


def _continued(pieces: Sequence[Space], axis: int, count: int) -> Space | None:
    first = pieces[0]
    if count == 1:
        return first
    run = first.axes[axis].runs[0]
    size, next_start = run.size, first.start[run.along] + run.step * run.size
    plain = all(len(p.axes[axis].runs) == 1 and not p.axes[axis].lead + p.axes[axis].trail for p in pieces)
    if len(pieces) != count or not plain:
        return None
    turned: Space | None = None
    for piece in pieces[1:]:
        other = piece.axes[axis].runs[0]
        if (other.along, other.step) != (run.along, run.step):
            return None
        if abs(piece.start[run.along] - next_start) > 1e-6:
            turned = piece
            break
        size += other.size
        next_start += other.step * other.size
    if turned is not None:
        return _rolled_by_parts(pieces, axis)
    return first.with_axis(axis, Axis((attrs.evolve(run, size=size),)))


def _rolled_by_parts(pieces: Sequence[Space], axis: int) -> Space | None:
    """Return the space of two pieces put together the other way round, which is a roll."""
    if len(pieces) != 2:
        return None
    back, front = pieces
    late, early = back.axes[axis].runs[0], front.axes[axis].runs[0]
    if abs(front.start[early.along] + early.step * early.size - back.start[early.along]) > 1e-6:
        return None
    whole = attrs.evolve(early, size=early.size + late.size)
    return front.with_axis(axis, Axis((_turned(whole, late.size),)))


def rolled(space: Space, axis: int, shift: int) -> Space:
    """Return the space after positions were shifted around the edge."""
    runs = space.axes[axis].runs
    if not space.axes[axis].placed:
        return space
    if len(runs) != 1 or space.axes[axis].lead or space.axes[axis].trail:
        return space.with_axis(axis, unknown_axis(space.axes[axis].size))
    return space.with_axis(axis, Axis((_turned(runs[0], shift),)))


def _turned(run: Run, shift: int) -> Run:
    return attrs.evolve(run, roll=(run.roll + shift) % run.size)


def reversed_axis(space: Space, axis: int) -> Space:
    """Return the space after the entries of an axis were put in the other order."""
    held = space.axes[axis]
    start = list(space.start)
    runs = []
    for run in held.runs:
        if run.placed:
            start[run.along] += run.step * (run.size - 1)
        runs.append(attrs.evolve(run, step=-run.step, roll=-run.roll % run.size) if run.placed else run)
    axes = list(space.axes)
    axes[axis] = Axis(tuple(runs), held.trail, held.lead)
    return attrs.evolve(space, axes=tuple(axes), start=tuple(start))


def sliced(space: Space, axis: int, begin: int, count: int, step: int = 1) -> Space:
    """Return the space of entries `begin`, `begin + step`, ... of an axis."""
    held = space.axes[axis]
    if (begin, count, step) == (0, held.size, 1):
        return space
    placed = prod(run.size for run in held.runs)
    if step < 0:
        turned = reversed_axis(space, axis)
        return sliced(turned, axis, held.size - 1 - begin, count, -step)
    lead = max(held.lead - begin, 0)
    trail = max(begin + count - held.lead - placed, 0) if step == 1 else 0
    inner = count - lead - trail
    if step == 1 and (held.lead or held.trail) and inner == placed:
        return space.with_axis(axis, Axis(held.runs, lead, trail))
    if not held.placed or (step == 1 and inner <= 0):
        return space.with_axis(axis, unplaced(held, count) if count > 1 else Axis())
    if len(held.runs) != 1 or lead or trail or begin < held.lead or held.runs[0].roll:
        return space.with_axis(axis, unknown_axis(count) if count > 1 else Axis())
    found = _walking(space, axis, count, step, begin - held.lead)
    return found if count > 1 else attrs.evolve(found, axes=consistent(found.axes, space))


def padded(space: Space, axis: int, before: int, behind: int) -> Space:
    """Return the space after entries were added at the ends of an axis."""
    held = space.axes[axis]
    if not before and not behind:
        return space
    size = held.size + before + behind
    if not held.placed:
        return space.with_axis(axis, unplaced(held, size))
    if len(held.runs) != 1 or held.lead or held.trail or held.runs[0].roll:
        return space.with_axis(axis, Axis(held.runs, held.lead + before, held.trail + behind))
    return _walking(space, axis, size, 1, -before)


def slid(space: Space, axis: int, size: int, ratio: float, shift: float) -> Space:
    """Return the space after a window moved over an axis, or its positions were resampled.

    Args:
        space: before.
        axis: of the tensor.
        size: its new length.
        ratio: old positions from one new one to the next.
        shift: the old position, between them, that the new first one looks at.
    """
    held = space.axes[axis]
    if held.unknown or not held.placed:
        return space.with_axis(axis, unplaced(held, size))
    if len(held.runs) != 1 or held.runs[0].roll:
        same = size == held.size and ratio == 1
        return space if same else space.with_axis(axis, unknown_axis(size))
    if held.lead or held.trail:  # what was joined on is a padding
        space = padded(space.with_axis(axis, Axis(held.runs)), axis, held.lead, held.trail)
    return _walking(space, axis, size, ratio, shift)


def _walking(space: Space, axis: int, size: int, ratio: float, shift: float) -> Space:
    """Return the space with another number of positions on an axis of one run, other steps, and moved."""
    run = space.axes[axis].runs[0]
    there = Axis((attrs.evolve(run, size=size, step=run.step * ratio),)) if size > 1 else Axis()
    return space.with_axis(axis, there).moved(run.along, run.step * shift)


def stacked(spaces: Sequence[Space], axis: int) -> Space:
    """Return the space of tensors put side by side along a new axis.

    Pieces of the picture that lie one behind the other, or in rows, are axes of it again.
    """
    first = spaces[0]
    line = own(len(spaces))
    if any(_cells_apart(space, first) > CLOSE for space in spaces[1:]):
        runs, begin = _raster([space.start for space in spaces]), first.start
        if runs is None:
            runs, begin = _in_time(spaces)
        line = Axis(tuple(runs)) if runs else unknown_axis(len(spaces))
        spaces = [attrs.evolve(space, start=begin) for space in spaces]
    piece = merged(spaces, first.sizes)
    axes = list(piece.axes)
    if line.unknown:  # pieces of several places: what is in one of them lies nowhere
        axes = [unknown_axis(one.size) if one.placed else one for one in axes]
    return Space((*axes[:axis], line, *axes[axis:]), piece.start, piece.apart)


CLOSE = 0.6
"""Cells by which branches that are put side by side may look at different places."""


def _cells_apart(one: Space, other: Space) -> float:
    """Return by how many cells two spaces start at different places; by pixels where no cells are left."""
    gaps = []
    for along, (here, there) in enumerate(zip(one.start, other.start, strict=True)):
        run = finest(one, along)
        gaps.append(abs(here - there) / (abs(run.step) if run else 1))
    return max(gaps)


def _raster(starts: Sequence[tuple[float, ...]]) -> list[Run] | None:
    """Return the runs, slowest first, that places in raster order count through; None where they do not."""
    count = len(starts)
    if count == 1:
        return []
    steps = [there - here for here, there in zip(starts[0], starts[1], strict=True)]
    moved = [along for along, step in enumerate(steps) if abs(step) > 1e-6]
    if len(moved) != 1:
        return None
    along = moved[0]

    def behind(place: int, by: int) -> bool:
        there = [n + (steps[along] * by if i == along else 0) for i, n in enumerate(starts[place - by])]
        return all(abs(a - b) < 0.5 for a, b in zip(starts[place], there, strict=True))

    length = 1
    while length < count and behind(length, length):
        length += 1
    if count % length or not all(behind(i, i % length) for i in range(count)):
        return None
    slower = _raster(starts[::length])
    return None if slower is None else [*slower, Run(along, length, steps[along])]


def _in_time(spaces: Sequence[Space]) -> tuple[list[Run] | None, tuple[float, ...]]:
    """Return the run of the steps of a recurrence, and where it starts.

    Each step is joined with what came before it, so that its place trails behind; the first of all is exact.
    """
    start = list(spaces[0].start)
    for along in range(len(start)):
        steps = [there.start[along] - here.start[along] for here, there in pairwise(spaces)]
        pitch = sorted(steps, key=abs)[-1]
        if pitch and finest(spaces[0], along) is None and all(step / pitch > 1e-3 for step in steps):
            middle = sorted(steps)[len(steps) // 2]
            if abs(middle) < 0.7 * abs(pitch):
                return None, tuple(start)  # places at uneven distances
            if abs(steps[0]) > abs(steps[-1]):  # it ran backwards
                start[along] = spaces[-1].start[along] - pitch * len(steps)
            return [Run(along, len(spaces), pitch)], tuple(start)
    return None, tuple(start)
