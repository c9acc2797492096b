"""Where the picture is in a tensor: its axes as runs of positions, and what operations make of them.

An axis of a tensor counts through *runs*: `(H, W)` flattened is one axis of two runs, a window of Swin
one of two runs whose coarse halves lie in the batch.  A run knows which axis of the picture it walks along
and how many pixels lie between its positions, so splitting, merging, transposing and slicing keep the place
of every position exactly.  What an operation mixes loses its place; what it makes by itself never had one.
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
    def batch(self) -> bool:
        """Whether it counts the pictures of the batch, with what may be folded into it."""
        return any(run.along == BATCH for run in self.runs)

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
        apart: for each axis of the picture the most pixels by which branches that were joined disagree about
            the first or the last position; () where none were.
    """

    axes: tuple[Axis, ...]
    start: tuple[float, ...]
    apart: tuple[float, ...] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """Length of each axis; the batch counts as one."""
        return tuple(axis.size for axis in self.axes)

    def with_axis(self, place: int, axis: Axis) -> Space:
        """Return it with another axis in one place."""
        return attrs.evolve(self, axes=(*self.axes[:place], axis, *self.axes[place + 1 :]))

    def moved(self, along: int, pixels: float) -> Space:
        """Return it with the first position elsewhere on one axis of the picture."""
        return attrs.evolve(
            self, start=tuple(at + pixels if i == along else at for i, at in enumerate(self.start))
        )


def own(size: int) -> Axis:
    """Return an axis of channels, or of positions that are none of the picture's."""
    return Axis((Run(NONE, size),)) if size > 1 else Axis()


def unknown_axis(size: int) -> Axis:
    """Return an axis of which the graph does not tell where its positions are."""
    return Axis((Run(UNKNOWN, size),))


def unplaced(held: Axis, size: int) -> Axis:
    """Return what an axis without the picture's positions is at another length: as unknown as before."""
    return unknown_axis(size) if held.unknown else own(size)


def unknown(sizes: Sequence[int], start: tuple[float, ...]) -> Space:
    """Return the space of a tensor of which the graph does not tell where its positions are."""
    return Space(tuple(unknown_axis(n) for n in sizes), start)


def of_picture(shape: Sequence[int], channels_first: bool) -> Space:
    """Return the space of a picture `(*space, K)`, or `(K, *space)`, behind a batch axis."""
    lengths = shape[1:] if channels_first else shape[:-1]
    placed = [Axis((Run(along, n),)) if n > 1 else Axis() for along, n in enumerate(lengths)]
    channels = own(shape[0] if channels_first else shape[-1])
    inner = [channels, *placed] if channels_first else [*placed, channels]
    return Space((Axis((Run(BATCH, 1),)), *inner), (0.0,) * len(lengths))


def without(space: Space, dropped: Sequence[int], keep: bool = False) -> Space:
    """Return the space after axes were reduced; kept with a length of one, or left out."""
    axes = [axis for i, axis in enumerate(space.axes) if i not in dropped]
    start = centred(space, [space.axes[i] for i in dropped], axes)
    if keep:
        axes = [Axis() if i in dropped else axis for i, axis in enumerate(space.axes)]
    return attrs.evolve(space, axes=consistent(axes, space), start=start)


def centred(space: Space, dropped: Sequence[Axis], left: Sequence[Axis]) -> tuple[float, ...]:
    """Return the start of a space in which runs were averaged away: the middle of what they covered.

    Not where the same axis of the picture is still there beside it, as behind attention's keys.
    """
    finest: dict[int, float] = {}
    for run in (run for axis in left for run in axis.runs if run.placed):
        finest[run.along] = min(abs(run.step), finest.get(run.along, abs(run.step)))
    start = list(space.start)
    for axis in dropped:
        for run in axis.runs:
            if run.placed and abs(run.step) * run.size <= 1.01 * finest.get(run.along, float("inf")):
                start[run.along] += run.step * (run.size - 1) / 2
    return tuple(start)


def consistent(axes: Sequence[Axis], before: Space) -> tuple[Axis, ...]:
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
        by_label = dict(zip(labels, consistent(kept, space), strict=True))
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
    start, apart = [], []
    for along, known in enumerate(disagreement(spaces)):
        counts = [_count(space, along) for space in spaces]
        whole = [space for space, n in zip(spaces, counts, strict=True) if n == max(counts)]
        starts = [space.start[along] for space in whole]
        start.append(sum(starts) / len(starts))
        ends = [_end(space, along) for space in whole]
        many = max(counts) > 1
        apart.append(max(known, max(starts) - min(starts), max(ends) - min(ends)) if many else known)
    return Space(tuple(axes), tuple(start), tuple(apart))


def disagreement(spaces: Sequence[Space]) -> list[float]:
    """Return for each axis of the picture the most pixels by which branches within any of them disagree."""
    return [
        max((space.apart[along] for space in spaces if space.apart), default=0.0)
        for along in range(len(spaces[0].start))
    ]


def _runs(space: Space, along: int) -> list[Run]:
    return [run for axis in space.axes for run in axis.runs if run.along == along]


def _count(space: Space, along: int) -> int:
    return prod(run.size for run in _runs(space, along))


def _end(space: Space, along: int) -> float:
    """Return the pixel that the last position looks at."""
    return space.start[along] + sum(run.step * (run.size - 1) for run in _runs(space, along))


def finest(space: Space, along: int) -> Run | None:
    runs = _runs(space, along)
    return min(runs, key=lambda run: abs(run.step)) if runs else None


def _agreed(held: Sequence[Axis], size: int) -> Axis:
    """Return the axis of a result from those of the operands that are not of length one."""
    fitting = [axis for axis in held if axis.size == size]
    placed = [axis for axis in fitting if axis.placed]
    for kind in (placed, [axis for axis in fitting if axis.unknown], fitting):
        if kind:
            first = kind[0]
            if kind is placed and not all(_alike(first, other) for other in kind[1:]):
                return unknown_axis(size)
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
