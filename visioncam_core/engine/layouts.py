"""Where the space is in a layer's output: what was followed to it, read as a grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import Any

import attrs

from visioncam_core.engine.layer_table import Layout
from visioncam_core.engine.space import BATCH, NONE, Axis, Run, Space
from visioncam_core.engine.space_moves import stacked

NONE_LEFT = "it has no spatial axes of the picture"
OWN = (
    "its positions are not positions of the picture (learned queries, a dense layer, a sum over "
    "positions), so there is nowhere to draw them"
)
SEVERAL = (
    "positions of the picture share an axis with others, such as a detector's anchors; choose the layer "
    "before"
)


@attrs.frozen
class Found:
    """What a space says of a layer's output.

    Attributes:
        layout: how it becomes a grid; None where it has no positions.
        steps: pixels from one position to the next, one an axis of the picture.
        start: the pixel that the first position looks at, one an axis.
        why: why there is no layout.
        unknown: the graph does not tell.
    """

    layout: Layout | None = None
    steps: tuple[float, ...] = ()
    start: tuple[float, ...] = ()
    why: str = OWN
    unknown: bool = False


def side_by_side(held: Sequence[Space | None]) -> Space | None:
    """Return the space of an output made of several values: the outputs of steps in time lie side by side."""
    if len(held) == 1:
        return held[0]
    known = [space for space in held if space is not None]
    return stacked(known, 1) if len(known) == len(held) else None


def layout_of(space: Space | None, shape: Sequence[int], image: Sequence[int]) -> Found:
    """Return the layout of a layer's output.

    Args:
        space: of the output, the batch first; None where it does not depend on the picture.
        shape: its lengths without the batch.
        image: lengths of the picture's axes.
    """
    if len(shape) < 2:
        return Found(why=NONE_LEFT)
    if space is None or len(space.axes) != len(shape) + 1:
        return Found(unknown=space is not None)
    axes = space.axes[1:]
    if any(run.along != BATCH for run in space.axes[0].runs) or any(axis.unknown for axis in axes):
        return Found(unknown=True)
    pure = [axis if all(run.placed for run in axis.runs) else Axis() for axis in axes]
    runs = [run for axis in pure for run in axis.runs]
    if not runs:
        several = len(axes) > 1 and any(axis.placed and axis.runs[-1].along == NONE for axis in axes)
        return Found(why=SEVERAL) if several else _pooled(shape, image)
    if sum(1 for axis in pure if axis.lead + axis.trail) > 1:
        return Found(why="several of its axes hold tokens other than the picture's")
    if any(run.roll for run in runs):
        return Found(
            why="its positions were rolled around the picture's edge; choose the layer before or after it"
        )
    grid, steps = [], []
    for along, length in enumerate(image):
        mine = sorted((run for run in runs if run.along == along), key=lambda run: -abs(run.step))
        if not _counts_through(mine, length):
            return Found(why="each of its values belongs to two positions, or to a part of one")
        grid.append(prod(run.size for run in mine))
        steps.append(mine[-1].step if mine else float(length))
    return Found(_layout(axes, pure, tuple(grid), len(image)), tuple(steps), space.start)


def _pooled(shape: Sequence[int], image: Sequence[int]) -> Found:
    """Return the layout of a picture's worth of features at a single position, kept for its channels."""
    if len(shape) == len(image) + 1 and prod(shape[:-1]) == 1:
        return Found(
            Layout("grid", tuple(shape[:-1]), shape[-1]), tuple(map(float, image)), (0.0,) * len(image)
        )
    return Found(why=OWN if sum(n > 1 for n in shape) > 1 else NONE_LEFT)


def _counts_through(runs: Sequence[Run], length: int) -> bool:
    """Whether runs, slowest first, count once through an axis of the picture."""
    for slow, fast in pairwise(runs):
        if abs(slow.step - fast.step * fast.size) > 0.02 * abs(slow.step):
            return False
    return not runs or abs(runs[-1].step) * prod(run.size for run in runs) <= 2.5 * length


def _layout(axes: Sequence[Axis], pure: Sequence[Axis], grid: tuple[int, ...], rank: int) -> Layout:
    split: list[int] = []
    spatial: dict[tuple[int, float], int] = {}
    channels: list[int] = []
    for axis, placed in zip(axes, pure, strict=True):
        for run in placed.runs:
            spatial[run.along, -abs(run.step)] = len(split)
            split.append(run.size)
        if not placed.runs:
            channels += [len(split)] if axis.size > 1 else []
            split.append(axis.size)
    order = tuple(spatial[key] for key in sorted(spatial))
    order += (*channels, *(i for i in range(len(split)) if i not in {*order, *channels}))
    count = prod(split) // prod(grid)
    place = next((i for i, axis in enumerate(pure) if axis.lead + axis.trail), 0)
    prefix, suffix = pure[place].lead, pure[place].trail
    if prefix + suffix == 0 and len(axes) == rank + 1:
        if _in_place(axes[:-1], pure[:-1]) and not pure[-1].runs:
            return Layout("grid", grid, count)
        if _in_place(axes[1:], pure[1:]) and not pure[0].runs:
            return Layout("channels_first", grid, count)
    if order == tuple(range(len(split))) and len(axes) == 2 and len(axes[0].runs) == rank > 1:
        return Layout("tokens", grid, count, prefix, suffix)
    kind = "heads" if len(channels) > 1 else "columns" if 1 in grid else "moved"
    return Layout(kind, grid, count, prefix, suffix, tuple(split), order, place + 1)


def _in_place(axes: Sequence[Axis], pure: Sequence[Axis]) -> bool:
    """Whether each axis is the picture's own, or a single entry where that is gone."""
    return all(
        axis.size == 1 or [run.along for run in placed.runs] == [along]
        for along, (axis, placed) in enumerate(zip(axes, pure, strict=True))
    )


# ---- what a shape alone suggests, where the graph does not tell; the model itself must confirm it

MAX_PREFIX = 16


def guess(
    shape: Sequence[int], image: Sequence[int], channels_first: bool, grids: Sequence[Sequence[int]]
) -> Found:
    """Return the layout that a shape suggests: a grid of the picture's rank, or tokens of one of `grids`."""
    layout = None
    if len(shape) == len(image) + 1 and 0 not in shape:
        inner = tuple(shape[1:] if channels_first else shape[:-1])
        kind = "channels_first" if channels_first else "grid"
        layout = Layout(kind, inner, shape[0] if channels_first else shape[-1])
    elif len(shape) == 2 and len(image) == 2:
        layout = _tokens(shape[0], shape[1], [*grids, *_divisions(image)])
    if layout is None:
        return Found(why="its shape has no axes that fit the picture")
    steps = tuple(size / n for size, n in zip(image, layout.grid, strict=True))
    return Found(layout, steps, tuple((step - 1) / 2 for step in steps), unknown=True)


def _tokens(length: int, channels: int, grids: Sequence[Sequence[int]]) -> Layout | None:
    fitting = [
        g for g in grids if 0 <= length - prod(g) <= MAX_PREFIX and prod(g) > 1 and 2 * prod(g) > length
    ]
    if not fitting:
        return None
    grid = min(fitting, key=lambda g: length - prod(g))
    return Layout("tokens", tuple(grid), channels, length - prod(grid))


def _divisions(image: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the grids of square patches that divide the picture, largest patches last."""
    return [
        tuple(size // patch for size in image)
        for patch in range(2, min(image) + 1)
        if all(size % patch == 0 for size in image)
    ]


# ---- a layer's output as a grid, and back; nothing is copied where it can be


def to_grid(xp: Any, values: Any, layout: Layout) -> Any:
    """Return `(N, *grid, K)` from a layer's output (N, ...); `xp` is the module of its arrays' functions."""
    if layout.kind == "channels_first" and not layout.split:
        return xp.moveaxis(values, 1, -1)
    if layout.prefix + layout.suffix:
        end = values.shape[layout.axis] - layout.suffix
        values = values[(slice(None),) * layout.axis + (slice(layout.prefix, end),)]
    if layout.split:
        values = values.reshape(-1, *layout.split)
        values = _transposed(xp, values, layout.order)
    if layout.split or layout.kind == "tokens":
        return values.reshape(-1, *layout.grid, layout.channels)
    return values


def from_grid(xp: Any, values: Any, layout: Layout, original: Any) -> Any:
    """Return a layer's output from `(B, *grid, K)`; tokens beside the picture's are those of `original`."""
    if layout.kind == "channels_first" and not layout.split:
        return xp.moveaxis(values, -1, 1)
    if not layout.split and layout.kind != "tokens":
        return values
    if layout.split:
        values = values.reshape(-1, *(layout.split[place] for place in layout.order))
        values = _transposed(xp, values, [layout.order.index(place) for place in range(len(layout.order))])
    shape, axis = [int(n) for n in original.shape[1:]], layout.axis
    shape[axis - 1] -= layout.prefix + layout.suffix
    values = values.reshape(-1, *shape)
    if not layout.prefix + layout.suffix:
        return values
    every, end = (slice(None),) * axis, original.shape[axis] - layout.suffix
    lead, trail = original[(*every, slice(layout.prefix))], original[(*every, slice(end, None))]
    ends = [xp.broadcast_to(part, (len(values), *part.shape[1:])) for part in (lead, trail)]
    return xp.concatenate([ends[0], values, ends[1]], axis=axis)


def _transposed(xp: Any, values: Any, order: Sequence[int]) -> Any:
    """Return the axes behind the batch in another order."""
    transpose = getattr(xp, "permute", None) or xp.transpose  # as PyTorch calls it, and as NumPy does
    return transpose(values, (0, *(place + 1 for place in order)))
