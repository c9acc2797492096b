"""Colour maps: 256 colours by name, from matplotlib's list, without pyplot.

Defaults are perceptually uniform and safe for colour-blind readers; `jet` is
there for who asks for it.
"""

from __future__ import annotations

from functools import lru_cache

import attrs
import numpy as np

from visioncam_core.text import not_found

SEQUENTIAL = "inferno"  # evidence of one sign
DIVERGING = "RdBu_r"  # evidence of both signs; zero is neutral
BEST = ("inferno", "magma", "plasma", "viridis", "cividis", "RdBu_r", "coolwarm", "PuOr_r", "gray", "jet")


def colour_table(name: str, *, signed: bool = False) -> np.ndarray:
    """Return the 256 colours of a map.

    Args:
        name: a matplotlib colour map, or `"auto"`.
        signed: whether `"auto"` is to be diverging.

    Returns:
        (256, 3) uint8 ndarray, read-only: RGB, lowest value first.

    Raises:
        NameNotFoundError: matplotlib has no such colour map; the nearest names are offered.
    """
    if name == "auto":
        name = DIVERGING if signed else SEQUENTIAL
    return _table(name)


def colourise(heat: np.ndarray, table: np.ndarray, *, signed: bool = False) -> np.ndarray:
    """Return the colour of each value.

    Args:
        heat: ndarray of any shape, values in [0, 1], or in [-1, 1] when `signed`; values
            outside are clipped, and what is not finite counts as zero.
        table: (256, 3) uint8 ndarray.
        signed: whether the middle of the table stands for zero.

    Returns:
        (*heat.shape, 3) uint8 ndarray.
    """
    return np.take(table, levels(heat, signed=signed), axis=0)  # twice as fast as indexing


def levels(heat: np.ndarray, *, signed: bool = False) -> np.ndarray:
    """Return each value's row in a table of 256, as matplotlib counts: `floor(256 v)`, at most 255."""
    values = np.nan_to_num(np.asarray(heat, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if signed:
        values = values * 0.5 + 0.5
    return np.clip(values * 256, 0, 255).astype(np.uint8)


def colour_names() -> list[str]:
    """Return the names of all colour maps, those that serve heat maps best first."""
    import matplotlib

    return [*BEST, *sorted(set(matplotlib.colormaps) - set(BEST))]


def known_colormap(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    """Refuse an unknown colour map before anything is computed (an attrs validator)."""
    colour_table(value)


@lru_cache(maxsize=64)
def _table(name: str) -> np.ndarray:
    import matplotlib

    known = {other.lower(): other for other in matplotlib.colormaps}
    spelled = name if name in matplotlib.colormaps else known.get(name.lower())
    if spelled is None:
        raise not_found("colormap", name, ["auto", *colour_names()])
    middles = (np.arange(256) + 0.5) / 256
    table = np.asarray(matplotlib.colormaps[spelled](middles, bytes=True)[:, :3], np.uint8)
    table.setflags(write=False)
    return table
