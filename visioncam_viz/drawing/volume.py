"""A volume or a video cut into flat views: three planes, a strip of slices, a projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.display import bands_last, eight_bit
from visioncam_core.results.volume import AXES, evenly, projection, slices, strongest, volume_heat
from visioncam_viz.drawing.tile import fill_box

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

FRAMES = 6  # of a video, where nobody says how many
TILE = 200  # pixels of a slice's longer side


@attrs.frozen(eq=False)
class View:
    """A flat explanation and the words under it.

    Attributes:
        explanation: of a picture.
        label: what of the whole it shows.
        marks: (row, column) in pixels where other planes cross it, or None.
    """

    explanation: Explanation
    label: str = ""
    marks: tuple[int, int] | None = None


@attrs.frozen(eq=False)
class Board:
    """Views and how they are laid out.

    Attributes:
        views: in reading order.
        columns: views a row; 0 chooses.
        sized: whether they have the size already that they shall have.
    """

    views: list[View]
    columns: int = 0
    sized: bool = False


def board(explanation: Explanation) -> Board:
    """Return the usual views: of a video (three bands) some frames, of any other volume three planes."""
    heat = volume_heat(explanation)
    bands = bands_last(np.asarray(explanation.picture), heat.shape).shape[-1]
    return strip(explanation, 0, FRAMES, TILE, FRAMES) if bands == 3 else planes(explanation)


def planes(explanation: Explanation, at: Sequence[int] | None = None, *, crosshair: bool = False) -> Board:
    """Return three planes at right angles, side by side where they share an axis.

    The plane across the depth has the plane across the width, transposed, on its right, and the plane across
    the height below it.

    Args:
        explanation: of a volume.
        at: the (depth, height, width) position where the planes meet; the strongest evidence by default.
        crosshair: whether to mark where the planes cross.
    """
    heat = volume_heat(explanation)
    place = strongest(heat) if at is None else tuple(at)
    picture = eight_bit(bands_last(np.asarray(explanation.picture), heat.shape))
    shown = attrs.evolve(explanation, picture=picture)  # stretched once for all three
    found = []
    for axis in (0, 2, 1):
        (flat,) = slices(shown, axis, [place[axis]])
        flat = attrs.evolve(flat, whole=explanation)
        row, column = (position for other, position in enumerate(place) if other != axis)
        if axis == 2:
            flat, row, column = transpose(flat), column, row
        label = f"{AXES[axis]} {place[axis] + 1} of {heat.shape[axis]}"
        found.append(View(flat, label, (row, column) if crosshair else None))
    return Board(found, 2)


def strip(explanation: Explanation, axis: int, count: int, tile: int, columns: int = 0) -> Board:
    """Return slices spread evenly over an axis, each at most `tile` pixels a side."""
    length = volume_heat(explanation).shape[axis]
    positions = evenly(length, count)
    found = [
        View(fill_box(flat, (tile, tile)), f"{position + 1} of {length}")
        for position, flat in zip(positions, slices(explanation, axis, positions), strict=True)
    ]
    return Board(found, columns, sized=True)


def projections(explanation: Explanation, axis: int | None) -> Board:
    """Return the maximum projection along an axis, or along each, laid out as `planes`."""
    found = []
    for each in (0, 2, 1) if axis is None else (axis,):
        flat = projection(explanation, each)
        flat = transpose(flat) if axis is None and each == 2 else flat
        found.append(View(flat, f"along {AXES[each]}"))
    return Board(found, 2)


def transpose(explanation: Explanation) -> Explanation:
    """Return a flat explanation with rows and columns exchanged."""
    picture = np.asarray(explanation.picture)
    return attrs.evolve(explanation, picture=picture.swapaxes(0, 1), heatmap=explanation.heatmap.T)
