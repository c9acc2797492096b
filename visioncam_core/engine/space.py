"""Where the picture is in a tensor: its axes as runs of positions, and what operations make of them.

An axis of a tensor counts through *runs*: `(H, W)` flattened is one axis of two runs, a window of Swin
one of two runs whose coarse halves lie in the batch.  A run knows which axis of the picture it walks along
and how many pixels lie between its positions, so splitting, merging, transposing and slicing keep the place of
every position exactly.  What an operation mixes loses its place; what it makes by itself never had one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import attrs

BATCH, NONE, COPY, UNKNOWN = -1, -2, -3, -4
"""Runs that are no axis of the picture: the batch, channels or positions of its own, repeats, and what the
graph does not tell."""


@attrs.frozen
class Run:
    """Positions at equal distances.

    Attributes:
        along: the picture's axis, or one of `BATCH`, `NONE`, `COPY`, `UNKNOWN`.
        size: number of positions.
        step: pixels from one to the next; negative where they were reversed.
        roll: positions by which they were shifted around the edge.
    """

    along: int
    size: int
    step: float = 1.0
    roll: int = 0

    @property
    def placed(self) -> bool:
        """Whether it walks along the picture."""
        return self.along >= 0


@attrs.frozen
class Axis:
    """One axis of a tensor: runs, slowest first, between entries that are no part of the picture."""

    runs: tuple[Run, ...] = ()
    lead: int = 0
    trail: int = 0

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.lead + prod(run.size for run in self.runs) + self.trail

    @property
    def placed(self) -> bool:
        """Whether any run walks along the picture."""
        return any(run.placed for run in self.runs)

    @property
    def unknown(self) -> bool:
        """Whether the graph does not tell what a run is."""
        return any(run.along == UNKNOWN for run in self.runs)


@attrs.frozen
class Space:
    """The axes of a tensor, and where its first position lies.

    Attributes:
        axes: one an axis of the tensor, the batch included.
        start: for each axis of the picture the pixel that the first position looks at, its centre.
        apart: the most pixels by which branches that were joined disagree about it.
    """

    axes: tuple[Axis, ...]
    start: tuple[float, ...]
    apart: float = 0.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """Length of each axis; the batch counts as one."""
        return tuple(axis.size for axis in self.axes)


def own(size: int) -> Axis:
    """Return an axis of channels, or of positions that are none of the picture's."""
    return Axis((Run(NONE, size),)) if size > 1 else Axis()


def unknown(sizes: Sequence[int], start: tuple[float, ...]) -> Space:
    """Return the space of a tensor of which the graph does not tell where its positions are."""
    return Space(tuple(Axis((Run(UNKNOWN, n),)) for n in sizes), start)


def of_picture(shape: Sequence[int], channels_first: bool) -> Space:
    """Return the space of a picture `(*space, K)`, or `(K, *space)`, behind a batch axis."""
    lengths = shape[1:] if channels_first else shape[:-1]
    placed = [Axis((Run(along, n),)) if n > 1 else Axis() for along, n in enumerate(lengths)]
    channels = own(shape[0] if channels_first else shape[-1])
    inner = [channels, *placed] if channels_first else [*placed, channels]
    return Space((Axis((Run(BATCH, 1),)), *inner), (0.0,) * len(lengths))


def reshaped(space: Space, sizes: Sequence[int | None]) -> Space:
    """Return the space after a reshape to `sizes`; None stands for an open axis, the one with the batch.

    Runs are kept, merged and split where the new axes end between them or divide one; what is torn is unknown.
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
    return attrs.evolve(space, axes=tuple(found), start=tuple(start))


def permuted(space: Space, order: Sequence[int]) -> Space:
    """Return the space after a transposition."""
    return attrs.evolve(space, axes=tuple(space.axes[i] for i in order))


def without(space: Space, dropped: Sequence[int], keep: bool = False) -> Space:
    """Return the space after axes were reduced; kept with a length of one, or left out."""
    axes = [axis for i, axis in enumerate(space.axes) if i not in dropped]
    start = centred(space, [space.axes[i] for i in dropped], axes)
    if keep:
        axes = [Axis() if i in dropped else axis for i, axis in enumerate(space.axes)]
    return attrs.evolve(space, axes=_consistent(axes, space), start=start)


def centred(space: Space, dropped: Sequence[Axis], left: Sequence[Axis]) -> tuple[float, ...]:
    """Return the start of a space in which runs were averaged away: the middle of what they covered."""
    remaining = {(run.along, run.size, run.step) for axis in left for run in axis.runs}
    start = list(space.start)
    for axis in dropped:
        for run in axis.runs:
            if run.placed and (run.along, run.size, run.step) not in remaining:
                start[run.along] += run.step * (run.size - 1) / 2
    return tuple(start)


def _consistent(axes: Sequence[Axis], before: Space) -> tuple[Axis, ...]:
    """Return axes in which fine positions without the coarse ones they belonged to have no place."""

    def coarsest(some: Sequence[Axis], along: int) -> float:
        return max((abs(r.step) * r.size for axis in some for r in axis.runs if r.along == along), default=0)

    lost = {
        along
        for along in range(len(before.start))
        if coarsest(axes, along) < 0.99 * coarsest(before.axes, along)
    }
    if not lost:
        return tuple(axes)
    return tuple(
        attrs.evolve(
            axis,
            runs=tuple(attrs.evolve(run, along=NONE) if run.along in lost else run for run in axis.runs),
        )
        for axis in axes
    )


def contracted(
    operands: Sequence[tuple[Space, Sequence[str]]], out: Sequence[str], sizes: Sequence[int]
) -> Space:
    """Return the space of a sum of products over labelled axes (Einstein's convention).

    Args:
        operands: space and labels of each operand that depends on the picture.
        out: labels of the result.
        sizes: its lengths, the batch as one.
    """
    left = []
    for space, labels in operands:
        kept = [axis if label in out else Axis() for axis, label in zip(space.axes, labels, strict=True)]
        dropped = [axis for axis, label in zip(space.axes, labels, strict=True) if label not in out]
        start = centred(space, dropped, kept)
        by_label = dict(zip(labels, _consistent(kept, space), strict=True))
        left.append(
            attrs.evolve(space, axes=tuple(by_label.get(label, Axis()) for label in out), start=start)
        )
    return merged(left, sizes)


def merged(spaces: Sequence[Space], sizes: Sequence[int]) -> Space:
    """Return the space of an elementwise operation, with broadcasting; `sizes` are those of the result.

    Where one operand has positions and the other none, positions remain.  Where both have them the result
    lies between them.
    """
    if len(spaces) == 1 and spaces[0].sizes == tuple(sizes):
        return spaces[0]
    axes = []
    for back in range(len(sizes), 0, -1):
        held = [space.axes[-back] for space in spaces if len(space.axes) >= back]
        axes.append(_agreed([axis for axis in held if axis.runs or axis.lead or axis.trail], sizes[-back]))
    start, apart = [], max(space.apart for space in spaces)
    for along in range(len(spaces[0].start)):
        having = [(space, abs(run.step)) for space in spaces if (run := _finest(space, along))]
        finest = min((step for _, step in having), default=0.0)
        starts = [space.start[along] for space, step in having if step < 1.5 * finest]
        starts = starts or [space.start[along] for space in spaces]
        start.append(sum(starts) / len(starts))
        if finest:
            apart = max(apart, max(starts) - min(starts))
    return Space(tuple(axes), tuple(start), apart)


def _finest(space: Space, along: int) -> Run | None:
    runs = [run for axis in space.axes for run in axis.runs if run.along == along]
    return min(runs, key=lambda run: abs(run.step)) if runs else None


def _agreed(held: Sequence[Axis], size: int) -> Axis:
    """Return the axis of a result from those of the operands that are not of length one."""
    fitting = [axis for axis in held if axis.size == size]
    placed = [axis for axis in fitting if axis.placed]
    for kind in (placed, [axis for axis in fitting if axis.unknown], fitting):
        if kind:
            first = kind[0]
            if kind is placed and not all(_alike(first, other) for other in kind[1:]):
                return Axis((Run(UNKNOWN, size),))
            if kind is placed and len(kind) > 1:
                return attrs.evolve(first, runs=tuple(map(_between, *(axis.runs for axis in kind))))
            return first
    return own(size)


def _alike(one: Axis, other: Axis) -> bool:
    return (one.lead, one.trail, len(one.runs)) == (other.lead, other.trail, len(other.runs)) and all(
        (a.along, a.size, a.roll, a.step > 0) == (b.along, b.size, b.roll, b.step > 0)
        for a, b in zip(one.runs, other.runs, strict=True)
    )


def _between(*runs: Run) -> Run:
    return attrs.evolve(runs[0], step=sum(run.step for run in runs) / len(runs))


def appended(spaces: Sequence[Space | None], axis: int, lengths: Sequence[int]) -> Space:
    """Return the space of tensors joined along an axis; None is one that does not depend on the picture.

    Entries without positions before or behind those of the picture are told apart from them; two pieces of the
    picture are one again where the second goes on where the first ends.
    """
    known = [(space, n) for space, n in zip(spaces, lengths, strict=True)]
    placed = [i for i, (space, _) in enumerate(known) if space is not None and space.axes[axis].placed]
    base = next(space for space in spaces if space is not None)
    if not placed:
        of_picture = [space for space in spaces if space is not None]
        sizes = list(base.sizes)
        sizes[axis] = 1
        others = merged([_with_axis(space, axis, Axis()) for space in of_picture], sizes)
        torn = any(space.axes[axis].unknown for space in of_picture)
        total = sum(lengths)
        return _with_axis(others, axis, Axis((Run(UNKNOWN, total),)) if torn else own(total))
    pieces = [known[i][0] for i in range(placed[0], placed[-1] + 1)]
    whole = _continued([piece for piece in pieces if piece is not None], axis, len(pieces))
    if whole is None:
        first = known[placed[0]][0]
        assert first is not None
        return _with_axis(first, axis, Axis((Run(UNKNOWN, sum(lengths)),)))
    one = whole.axes[axis]
    lead, trail = sum(lengths[: placed[0]]), sum(lengths[placed[-1] + 1 :])
    return _with_axis(whole, axis, Axis(one.runs, one.lead + lead, one.trail + trail))


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
    return _with_axis(first, axis, Axis((attrs.evolve(run, size=size),)))


def _rolled_by_parts(pieces: Sequence[Space], axis: int) -> Space | None:
    """Return the space of two pieces put together the other way round, which is a roll."""
    if len(pieces) != 2:
        return None
    back, front = pieces
    late, early = back.axes[axis].runs[0], front.axes[axis].runs[0]
    if abs(front.start[early.along] + early.step * early.size - back.start[early.along]) > 1e-6:
        return None
    whole = attrs.evolve(early, size=early.size + late.size)
    return _with_axis(front, axis, Axis((_turned(whole, late.size),)))


def rolled(space: Space, axis: int, shift: int) -> Space:
    """Return the space after positions were shifted around the edge."""
    runs = space.axes[axis].runs
    if not space.axes[axis].placed:
        return space
    if len(runs) != 1 or space.axes[axis].lead or space.axes[axis].trail:
        return _with_axis(space, axis, Axis((Run(UNKNOWN, space.axes[axis].size),)))
    return _with_axis(space, axis, Axis((_turned(runs[0], shift),)))


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
        return _with_axis(space, axis, Axis(held.runs, lead, trail))
    if not held.placed or (step == 1 and inner <= 0):
        torn = held.unknown
        return _with_axis(space, axis, Axis((Run(UNKNOWN, count),)) if torn and count > 1 else own(count))
    if len(held.runs) != 1 or lead or trail or begin < held.lead or held.runs[0].roll:
        single = count == 1
        return _with_axis(space, axis, Axis() if single else Axis((Run(UNKNOWN, count),)))
    run = held.runs[0]
    start = list(space.start)
    start[run.along] += run.step * (begin - held.lead)
    axes = list(space.axes)
    axes[axis] = Axis((attrs.evolve(run, size=count, step=run.step * step),)) if count > 1 else Axis()
    axes = list(_consistent(axes, space)) if count == 1 else axes
    return attrs.evolve(space, axes=tuple(axes), start=tuple(start))


def padded(space: Space, axis: int, before: int, behind: int) -> Space:
    """Return the space after entries were added at the ends of an axis."""
    held = space.axes[axis]
    if not before and not behind:
        return space
    if not held.placed:
        torn = held.unknown
        size = held.size + before + behind
        return _with_axis(space, axis, Axis((Run(UNKNOWN, size),)) if torn else own(size))
    if len(held.runs) != 1 or held.lead or held.trail or held.runs[0].roll:
        return _with_axis(space, axis, Axis(held.runs, held.lead + before, held.trail + behind))
    run = held.runs[0]
    start = list(space.start)
    start[run.along] -= run.step * before
    axes = list(space.axes)
    axes[axis] = Axis((attrs.evolve(run, size=run.size + before + behind),))
    return attrs.evolve(space, axes=tuple(axes), start=tuple(start))


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
    if not held.runs and not held.lead + held.trail:
        return space if size == 1 else _with_axis(space, axis, own(size))
    if held.unknown or not held.placed:
        return _with_axis(space, axis, Axis((Run(UNKNOWN, size),)) if held.unknown else own(size))
    if len(held.runs) != 1 or held.lead or held.trail or held.runs[0].roll:
        same = size == held.size and ratio == 1
        return space if same else _with_axis(space, axis, Axis((Run(UNKNOWN, size),)))
    run = held.runs[0]
    start = list(space.start)
    start[run.along] += run.step * shift
    axes = list(space.axes)
    axes[axis] = Axis((attrs.evolve(run, size=size, step=run.step * ratio),)) if size > 1 else Axis()
    return attrs.evolve(space, axes=tuple(axes), start=tuple(start))


def stacked(spaces: Sequence[Space], axis: int) -> Space:
    """Return the space of tensors put side by side along a new axis.

    Pieces of the picture that lie one behind the other are an axis of it again.
    """
    first = spaces[0]
    line = own(len(spaces))
    start = first.start
    for along in range(len(first.start)):
        if len(spaces) > 1 and not _finest(first, along):
            steps = [b.start[along] - a.start[along] for a, b in zip(spaces, spaces[1:], strict=False)]
            if all(step > 1e-6 for step in steps) or all(step < -1e-6 for step in steps):
                line = Axis((Run(along, len(spaces), sum(steps) / len(steps)),))
                break
    axes = list(merged([attrs.evolve(space, start=start) for space in spaces], first.sizes).axes)
    return Space((*axes[:axis], line, *axes[axis:]), start, max(space.apart for space in spaces))


def _with_axis(space: Space, axis: int, new: Axis) -> Space:
    axes = list(space.axes)
    axes[axis] = new
    return attrs.evolve(space, axes=tuple(axes))


# ---- the pieces that a reshape moves: single runs, and axes with entries beside the picture's


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
