"""Places of a picture: border, edges, corners and a coarse grid; what of a map lies in each."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

SIDE = 60
"""Maps are summed up on SIDE x SIDE cells, which every place is made of."""
EDGE, CORNER, CELL = 6, 15, 12  # cells: a tenth, a quarter and a fifth of a side
GRID = (
    ("", "top, left of middle", "top middle", "top, right of middle", ""),
    ("left, above middle", "above and left of middle", "above middle", "above and right of middle",
     "right, above middle"),
    ("middle left", "left of middle", "middle", "right of middle", "middle right"),
    ("left, below middle", "below and left of middle", "below middle", "below and right of middle",
     "right, below middle"),
    ("", "bottom, left of middle", "bottom middle", "bottom, right of middle", ""),
)  # fmt: skip
BORDER = "border"
GROWN = 6  # cells around a place in which its evidence may move, and that it must have more than
STRONG = 2.0  # an edge is strong from this many times the picture's mean edge on

Box = tuple[int, int, int, int]
"""(top, left, bottom, right) in cells."""


def _boxes() -> dict[str, Box]:
    found: dict[str, Box] = {BORDER: (0, 0, SIDE, SIDE)}
    found |= {"top edge": (0, 0, EDGE, SIDE), "bottom edge": (SIDE - EDGE, 0, SIDE, SIDE)}
    found |= {"left edge": (0, 0, SIDE, EDGE), "right edge": (0, SIDE - EDGE, SIDE, SIDE)}
    for row, top in (("upper", 0), ("lower", SIDE - CORNER)):
        for column, left in (("left", 0), ("right", SIDE - CORNER)):
            found[f"{row} {column} corner"] = (top, left, top + CORNER, left + CORNER)
    for top, names in enumerate(GRID):
        for left, name in enumerate(names):
            if name:
                found[name] = (CELL * top, CELL * left, CELL * (top + 1), CELL * (left + 1))
    return found


BOXES = _boxes()
"""Every place with its box; of the border it is the whole."""
PLACES = tuple(BOXES)
INNER = tuple(name for names in GRID[1:4] for name in names[1:4])
"""Where objects mostly are: without marks judged against the other side, the middle column not at all."""


def cells(name: str) -> np.ndarray:
    """Return the (SIDE, SIDE) bool cells of a place."""
    top, left, bottom, right = BOXES[name]
    found = np.zeros((SIDE, SIDE), bool)
    found[top:bottom, left:right] = True
    if name == BORDER:
        found[EDGE:-EDGE, EDGE:-EDGE] = False
    return found


def around(name: str, margin: int = GROWN) -> np.ndarray:
    """Return the (SIDE, SIDE) bool cells within `margin` of a place, itself included."""
    from scipy.ndimage import maximum_filter

    return np.asarray(maximum_filter(cells(name), 2 * margin + 1))


def on(name: str, shape: tuple[int, int], margin: int = 0) -> np.ndarray:
    """Return the (H, W) bool pixels of a place, and of what is within `margin` cells."""
    rows, columns = (((np.arange(n) + 0.5) * SIDE / n).astype(int) for n in shape)
    return np.asarray(around(name, margin)[np.ix_(rows, columns)])


def mirrored(name: str) -> str:
    """Return the place on the other side, left for right; the name itself in the middle."""
    top, left, bottom, right = BOXES[name]
    other = (top, SIDE - right, bottom, SIDE - left)
    return next(place for place, box in BOXES.items() if box == other)


def apart(one: str, other: str) -> bool:
    """Return whether two places neither overlap nor touch."""
    a, b = BOXES[one], BOXES[other]
    return any(a[axis + 2] < b[axis] or b[axis + 2] < a[axis] for axis in (0, 1))


def summed(maps: np.ndarray) -> np.ndarray:
    """Return (..., SIDE, SIDE): what of (..., H, W) maps lies in each cell; a pixel across is shared."""
    rows, columns = (_overlaps(n) for n in maps.shape[-2:])
    return np.asarray(rows @ maps @ columns.T)


def means(values: np.ndarray) -> np.ndarray:
    """Return (SIDE, SIDE): the mean of (H, W) values in each cell."""
    return summed(np.asarray(values, np.float64)) * (SIDE**2 / values.size)


@lru_cache(maxsize=32)
def _overlaps(n: int) -> np.ndarray:
    """Return (SIDE, n): which part of each of n pixels lies in each cell."""
    ends, pixels = np.arange(SIDE + 1)[:, None] * n / SIDE, np.arange(n)
    return np.clip(np.minimum(ends[1:], pixels + 1) - np.maximum(ends[:-1], pixels), 0, 1)


def strong_edges(grey: np.ndarray) -> np.ndarray:
    """Return where a (H, W) picture has strong edges: letters and logos have many, sky and grass few."""
    from scipy.ndimage import generic_gradient_magnitude, sobel

    strength = generic_gradient_magnitude(grey.astype(np.float64), sobel)
    return np.asarray(strength > STRONG * max(float(strength.mean()), 1e-12))
