"""Colour maps: 256 colours by name, from matplotlib's list, without pyplot.

Defaults are perceptually uniform and safe for colour-blind readers; `jet` is
there for who asks for it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import attrs
import numpy as np

from visioncam_core.results.formats.figure import DIVERGING as DIVERGING
from visioncam_core.results.formats.figure import SEQUENTIAL as SEQUENTIAL
from visioncam_core.results.formats.figure import colormap_of


@runtime_checkable
class Colormap(Protocol):
    """What Matplotlib's `Colormap` is known by; Matplotlib itself is imported when something is drawn."""

    name: str
    N: int

    def __call__(self, X: Any, alpha: Any = None, bytes: bool = False) -> Any:
        """Return colours of values."""


ColourMap = str | Colormap
"""How a colour map is given: by name, or as Matplotlib's object."""


def colour_table(name: ColourMap, *, signed: bool = False) -> np.ndarray:
    """Return the 256 colours of a map.

    Args:
        name: a matplotlib colour map, by name or as the object itself, or `"auto"`.
        signed: whether `"auto"` is to be diverging.

    Returns:
        (256, 3) uint8 ndarray, read-only: RGB, lowest value first.

    Raises:
        NameNotFoundError: matplotlib has no such colour map; the nearest names are offered.
    """
    return _named(name, signed) if isinstance(name, str) else _table(colormap_of(name))


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


def known_colormap(instance: object, attribute: attrs.Attribute[Any], value: ColourMap) -> None:
    """Refuse an unknown colour map before anything is computed (an attrs validator)."""
    colour_table(value)


@lru_cache(maxsize=64)
def _named(name: str, signed: bool) -> np.ndarray:
    return _table(colormap_of(name, signed=signed))


def _table(colours: Any) -> np.ndarray:
    table = np.asarray(colours((np.arange(256) + 0.5) / 256, bytes=True)[:, :3], np.uint8)
    table.setflags(write=False)
    return table
