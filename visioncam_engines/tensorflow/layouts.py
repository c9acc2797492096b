"""Where the space is in a layer's output: grids, channels-first grids and tokens."""

from __future__ import annotations

from math import prod
from typing import Any

from visioncam_core.engine.layer_table import Layout, even
from visioncam_engines.tensorflow.graph.graph import ancestors

MAX_PREFIX = 16


def spatial(shape: tuple[int, ...], rank: int, channels_first: bool) -> Layout | None:
    """Return the layout of an output with `rank` spatial axes, or None where the rank differs."""
    if rank < 1 or len(shape) != rank + 1 or 0 in shape:
        return None
    if channels_first:
        return Layout("channels_first", tuple(shape[1:]), shape[0])
    return Layout("grid", tuple(shape[:-1]), shape[-1])


def strides(image: tuple[int, ...], grid: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(round(size / length, 3) for size, length in zip(image, grid, strict=True))


def tokens(tensor: Any, shape: tuple[int, ...], image: tuple[int, ...], inputs: set[int]) -> Layout | None:
    """Return the layout of `(T, K)` tokens, from the grids they were computed from.

    The grid is that of the traced patch embedding; without one (patches cut by reshapes, merged windows), the
    grid with square patches that divide the picture.  `inputs` are the ids of the model's inputs, no grids of
    tokens.
    """
    if len(shape) != 2 or len(image) != 2:
        return None
    length, channels = shape
    grids = [grid for grid in _grids(tensor, image, inputs) if prod(grid) > 1]
    halved = [
        tuple(n // 2**k for n in grid)
        for grid in grids
        for k in (1, 2, 3)
        if all(n % 2**k == 0 for n in grid)
    ]
    for candidates in (grids, halved, _divisions(image)):
        fitting = [grid for grid in candidates if 0 <= length - prod(grid) <= MAX_PREFIX and prod(grid) > 1]
        if fitting:
            grid = min(fitting, key=lambda g: length - prod(g))
            if 2 * prod(grid) > length:
                return Layout("tokens", grid, channels, length - prod(grid))
    return None


def _grids(tensor: Any, image: tuple[int, ...], inputs: set[int]) -> list[tuple[int, ...]]:
    """Return the even grids among what `tensor` is computed from, latest first."""
    found: list[tuple[int, ...]] = []
    for op in ancestors([tensor]).values():
        for output in op.outputs:
            shape = output.shape
            if id(output) in inputs or shape.rank != 4 or not output.dtype.is_floating:
                continue
            grid = tuple(shape[1:3])
            if None not in grid and even(strides(image, grid)) and grid not in found:
                found.append(grid)
    return found


def _divisions(image: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the grids of square patches that divide the picture, largest patches last."""
    return [
        tuple(size // patch for size in image)
        for patch in range(2, min(image) + 1)
        if all(size % patch == 0 for size in image)
    ]
