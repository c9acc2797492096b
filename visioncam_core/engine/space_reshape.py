"""What a reshape makes of a space: runs are kept, merged and split."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import attrs

from visioncam_core.engine.space import BATCH, COPY, NONE, UNKNOWN, Axis, Run, Space, own, unknown


def reshaped(space: Space, sizes: Sequence[int | None]) -> Space:
    """Return the space after a reshape to `sizes`; None stands for an open axis, the one with the batch.

    Runs are kept, merged and split where the new axes end between them or divide one; others are unknown.
    """
    if all(axis.unknown for axis in space.axes):
        return unknown([n or 1 for n in sizes], space.start)
    atoms = [atom for axis in space.axes for atom in _atoms(axis)]
    total, known = prod(atom.size for atom in atoms), prod(n for n in sizes if n is not None)
    if sum(n is None for n in sizes) > 1 or known == 0 or total % known:
        return unknown([n or 1 for n in sizes], space.start)
    lengths = [total // known if n is None else n for n in sizes]
    found: list[Axis] = []
    start = list(space.start)
    for place, length in enumerate(lengths):
        taken: list[Axis] = []
        have = 1
        while atoms and (have < length or _is_batch(atoms[0])):
            atom = atoms[0]
            if _is_batch(atom):
                if not (sizes[place] is None or None not in sizes):
                    break
                taken.append(atoms.pop(0))
            elif length % (have * atom.size) == 0:
                have *= atom.size
                taken.append(atoms.pop(0))
            elif (parted := _parted(atom, length // have)) and length % have == 0:
                atoms[:1] = parted
            else:
                return _torn(space, lengths)
        if have != length:
            return _torn(space, lengths)
        axis = _joined(taken, start)
        if axis is None:
            return _torn(space, lengths)
        found.append(axis)
    return attrs.evolve(space, axes=tuple(_shuffled(found, start)), start=tuple(start))


def _shuffled(axes: Sequence[Axis], start: list[float]) -> list[Axis]:
    """Return axes in which channels put behind two or more axes of the picture are finer positions of it."""
    blocks = {i: axis.runs for i, axis in enumerate(axes) if [r.placed for r in axis.runs] == [True, False]}
    fine = {(runs[1].along, runs[1].size) for runs in blocks.values()}
    apart = {runs[0].along for runs in blocks.values()}
    if len(fine) != 1 or next(iter(fine))[0] != NONE or not len(apart) == len(blocks) > 1:
        return list(axes)
    found = list(axes)
    for i, (run, block) in blocks.items():
        step = run.step / block.size
        start[run.along] -= step * (block.size - 1) / 2
        found[i] = attrs.evolve(
            axes[i], runs=(Run(run.along, run.size * block.size, step, run.roll * block.size),)
        )
    return found


def _is_batch(atom: Axis) -> bool:
    return len(atom.runs) == 1 and atom.runs[0].along == BATCH


def _atoms(axis: Axis) -> list[Axis]:
    if axis.lead or axis.trail:
        folded = [run for run in axis.runs if run.along == BATCH]
        own_runs = tuple(run for run in axis.runs if run.along != BATCH)
        return [*(Axis((run,)) for run in folded), attrs.evolve(axis, runs=own_runs)]
    return [Axis((run,)) for run in axis.runs if run.size > 1 or run.along == BATCH]


def _parted(atom: Axis, length: int) -> list[Axis] | None:
    """Return a run in two, the slower one of `length`, or None where it does not divide."""
    if len(atom.runs) != 1 or atom.lead or atom.trail or length < 2 or atom.runs[0].size % length:
        return None
    run = atom.runs[0]
    fine = run.size // length
    coarse = Run(
        run.along, length, run.step * fine, run.roll
    )  # both halves remember a roll, for the way back
    return [Axis((coarse,)), Axis((Run(run.along, fine, run.step, run.roll),))]


def _joined(atoms: Sequence[Axis], start: list[float]) -> Axis | None:
    """Return one axis of several pieces; None where entries beside the picture would come between.

    Where positions are repeated, the first repeat lies before the place in `start`.
    """
    extra = [atom for atom in atoms if atom.lead or atom.trail]
    if extra:
        alone = len(extra) == 1 and atoms[-1] is extra[0] and all(map(_is_batch, atoms[:-1]))
        folded = tuple(run for atom in atoms[:-1] for run in atom.runs)
        return attrs.evolve(extra[0], runs=(*folded, *extra[0].runs)) if alone else None
    runs: list[Run] = []
    for run in (run for atom in atoms for run in atom.runs):
        last = runs[-1] if runs else None
        if last and last.along == run.along and last.placed and _goes_on(last, run):
            whole = Run(run.along, last.size * run.size, run.step, run.roll)
            runs[-1] = whole
        elif last and last.placed and run.along == COPY:
            step = last.step / run.size
            start[last.along] -= step * (run.size - 1) / 2
            runs[-1] = Run(last.along, last.size * run.size, step, last.roll * run.size)
        elif last and last.along == run.along and run.along in (NONE, UNKNOWN):
            runs[-1] = Run(run.along, last.size * run.size)
        else:
            runs.append(run)
    return Axis(tuple(runs))


def _goes_on(coarse: Run, fine: Run) -> bool:
    return abs(coarse.step - fine.step * fine.size) < 1e-6 * abs(coarse.step) and coarse.roll == fine.roll


def _torn(space: Space, sizes: Sequence[int]) -> Space:
    """Return the space after a reshape that cuts across runs: nothing is known, unless nothing was placed."""
    if any(axis.placed or axis.unknown for axis in space.axes):
        return unknown(sizes, space.start)
    batch = Axis((Run(BATCH, 1),))
    return attrs.evolve(space, axes=(batch, *(own(n) for n in sizes[1:])))
