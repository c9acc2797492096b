"""Cells of a picture that are removed together, and random sets of them."""

from __future__ import annotations

import numpy as np


def cells(space: tuple[int, ...], side: int) -> tuple[np.ndarray, int]:
    """Return each pixel's cell, (*space) int, and how many there are; cells at the end may be smaller.

    Args:
        space: of the picture.
        side: of a cell, in pixels.
    """
    grid = tuple(-(-n // side) for n in space)
    axes = [np.arange(n) // side for n in space]
    number = np.ravel_multi_index(np.meshgrid(*axes, indexing="ij"), grid)
    return number, int(np.prod(grid))


def subsets(rng: np.random.Generator, number: int, size: int, count: int) -> np.ndarray:
    """Return random sets of `size` out of `number` cells, (count, number) bool."""
    drawn = np.zeros((count, number), bool)
    for row in drawn:
        row[rng.permutation(number)[:size]] = True
    return drawn
