"""Where a layer's positions lie on the picture, and whether what its shape suggests is true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerRow, Layout
from visioncam_core.engine.layouts import Found, layout_of
from visioncam_core.engine.space import Space
from visioncam_core.resize import STRETCHED, Placement

MOST_WEIGHTS = 2**16
"""Of one kernel: of a larger one the first input channels are read, since this is done at every call."""
MOST_APART = 0.55
"""Cells by which branches that are joined may disagree about where they look: half of one, and what
weights add where a strided shortcut stands beside a pooling, which disagree by exactly that."""
ENOUGH = 0.4
"""Of the distance at which two corners are drawn, how far apart what they depend on must lie."""
ASTRAY = 0.25


def placement_of(row: LayerRow, name: str, space: Space | None, image: tuple[int, ...]) -> Placement:
    """Return where the positions of a row lie on a picture.

    Args:
        row: of the layer table, with a layout.
        name: of the placement that is wanted.
        space: of the layer's output, as the walk for that placement found it.
        image: lengths of the picture's axes.
    """
    if row.layout is None:
        return STRETCHED
    found = layout_of(space, row.shape, image)
    known = space is not None and found.layout == row.layout
    even = _stretched(found, image) if known and min(found.steps) < 0 else STRETCHED
    if name == "stretched":
        return even
    if space is None or not known:
        return attrs.evolve(even, why="the graph does not show where its positions look")
    apart = (off / abs(step) for off, step in zip(space.apart, found.steps, strict=False))
    if (cells := max(apart, default=0.0)) > MOST_APART:
        return attrs.evolve(even, why=f"branches joined before it look {cells:.1f} cells apart")
    gone = [(n - 1) / 2 if m == 1 else None for n, m in zip(image, row.layout.grid, strict=True)]
    start = tuple(one if middle is None else middle for one, middle in zip(found.start, gone, strict=True))
    return Placement(name, start, found.steps)


def _stretched(found: Found, image: tuple[int, ...]) -> Placement:
    """Return positions that tile the picture, running backwards where they do."""
    assert found.layout is not None
    tiles = [size / n for size, n in zip(image, found.layout.grid, strict=True)]
    start = [
        (tile - 1) / 2 if step > 0 else size - 1 - (tile - 1) / 2
        for tile, step, size in zip(tiles, found.steps, image, strict=True)
    ]
    steps = tuple(tile if step > 0 else -tile for tile, step in zip(tiles, found.steps, strict=True))
    return Placement("stretched", tuple(start), steps)


def going_on(
    goal: int,
    spaces: Mapping[int, Space],
    inputs_of: Callable[[int], Iterable[int]],
    sums: Callable[[int], bool],
) -> set[int]:
    """Return the values whose positions go on to those of `goal`: not attention's keys and values.

    Backwards through the graph; what a product or a sum keeps are positions of the result's own grids.

    Args:
        goal: id of a value.
        spaces: id of a value -> its space.
        inputs_of: id of a value -> ids of those it is computed from.
        sums: whether a value is a product or a sum.
    """

    def grids(value: int) -> frozenset[tuple[int, float]]:
        held = spaces.get(value)
        runs = () if held is None else (run for axis in held.axes for run in axis.runs if run.placed)
        return frozenset((run.along, abs(run.step)) for run in runs)

    if not grids(goal):
        return set(spaces)
    found: set[int] = set()
    waiting = [(goal, grids(goal))]
    done = set()
    while waiting:
        value, wanted = waiting.pop()
        if (value, wanted) in done:
            continue
        done.add((value, wanted))
        found.add(value)
        summed = sums(value)
        for one in inputs_of(value):
            here = grids(one)
            if here and summed:
                here &= wanted
                if here:
                    waiting.append((one, here))
            elif here:
                waiting.append((one, wanted if wanted <= here else here))
    return found


# ---- where the graph does not tell, the model does: by what its positions depend on


def corners(layout: Layout) -> list[tuple[int, ...]]:
    """Return the positions at the corners of a grid."""
    return list(product(*[sorted({0, n - 1}) for n in layout.grid]))


def centre(energy: np.ndarray) -> np.ndarray | None:
    """Return the pixel in the middle of an energy (*space); None where there is none."""
    if not energy.sum() > 0:
        return None
    places = [np.arange(n) for n in energy.shape]
    rest = [tuple(j for j in range(energy.ndim) if j != i) for i in range(energy.ndim)]
    lines = zip(places, rest, strict=True)
    return np.array([(energy.sum(axis=other) * place).sum() / energy.sum() for place, other in lines])


def astray(centres: Mapping[tuple[int, ...], np.ndarray] | None, layout: Layout, space: Sequence[int]) -> str:
    """Return why a layout that the shape suggests is wrong, or "".

    Args:
        centres: for each of `corners` the middle of what it depends on, in pixels; None where that has no
            gradient.
        layout: the guess.
        space: lengths of the picture's axes.
    """
    if centres is None:
        return "the graph does not show where its positions lie, and they have no gradient in the picture"
    for axis, count in enumerate(layout.grid):
        if count == 1:
            continue
        drawn = space[axis] * (count - 1) / count
        for at, here in centres.items():
            if at[axis] == 0:
                there = centres[(*at[:axis], count - 1, *at[axis + 1 :])]
                apart = (there - here) / drawn
                if apart[axis] < ENOUGH or any(abs(x) > ASTRAY for i, x in enumerate(apart) if i != axis):
                    one, other = (tuple(round(float(x)) for x in place) for place in (here, there))
                    return (
                        f"positions that would be drawn {drawn:.0f} pixels apart depend on places "
                        f"around {one} and {other} of the picture: they are not where they seem"
                    )
    return ""
