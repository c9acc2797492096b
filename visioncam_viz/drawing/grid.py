"""Pictures laid out in rows and columns, each with a line below it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from visioncam_viz.drawing.text import QUIET, WHITE, draw, lay, line_height, width_of

LABEL = 14  # font size in pixels
LINE = 0.55  # opacity of a crosshair
EMPTY_WEIGHT = 0.5  # how much an empty cell counts against a shape of the grid
PAGE_SHAPE = 1.7  # width over height that a page tends to


def grid(
    pictures: Sequence[np.ndarray], labels: Sequence[str], columns: int = 0, *, size: int = LABEL
) -> np.ndarray:
    """Return pictures in rows on white, each with its label, which may be empty, below it.

    `columns` is how many stand in a row, 0 chooses; `size` is the labels' font size in pixels.
    """
    gap = size if any(labels) else round(0.7 * size)
    below = line_height(size) + size // 3 if any(labels) else 0
    heights = [picture.shape[0] + below for picture in pictures]
    widths = [
        max(picture.shape[1], width_of(label, size) if label else 0)
        for picture, label in zip(pictures, labels, strict=True)
    ]
    count = len(pictures)
    columns = min(columns, count) or best_columns(count, max(widths) + gap, max(heights) + gap)
    tall = [max(heights[row : row + columns]) for row in range(0, count, columns)]
    wide = [max(widths[column::columns]) for column in range(columns)]
    page = np.full((sum(tall) + gap * (len(tall) - 1), sum(wide) + gap * (columns - 1), 3), 255, np.uint8)
    for place, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        row, column = divmod(place, columns)
        top, left = sum(tall[:row]) + gap * row, sum(wide[:column]) + gap * column
        h, w = picture.shape[:2]
        page[top : top + h, left : left + w] = picture
        draw(page, label, left, top + h + size // 4, size, colour=QUIET)
    return page


def best_columns(count: int, width: int, height: int) -> int:
    """Return how many cells a row bring a page near `PAGE_SHAPE`, with few cells empty.

    Width and height are a cell's in pixels, gaps included.
    """

    def cost(columns: int) -> float:
        rows = -(-count // columns)
        shape = columns * width / (rows * height)
        return abs(math.log(shape / PAGE_SHAPE)) + EMPTY_WEIGHT * (rows * columns - count)

    return min(range(1, count + 1), key=cost)


def crosshair(picture: np.ndarray, marks: tuple[int, int], factor: int) -> None:
    """Draw, in place, thin white lines along a row and a column, broken around where they meet.

    The marks are row and column before the picture was enlarged by `factor`.
    """
    row, column = (int((mark + 0.5) * factor) for mark in marks)
    height, width = picture.shape[:2]
    free = max(height, width) // 10
    coverage = np.zeros((height, width), np.float32)
    coverage[row, np.abs(np.arange(width) - column) > free] = LINE
    coverage[np.abs(np.arange(height) - row) > free, column] = LINE
    lay(picture, coverage, 0, 0, WHITE)
