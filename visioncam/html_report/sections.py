"""Further parts of a report: words, tables, charts and pictures, as data.

Everything in them is text or numbers; the template escapes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from visioncam.html_report.data_uris import picture_uri
from visioncam_core.errors import OptionTypeError

WIDTH, HEIGHT, LEFT, BOTTOM = 560, 300, 56, 40  # a chart in its own units
LONGEST = 900  # pixels of a picture's longer side


@attrs.frozen
class Cell:
    """A cell of a table that says more under the pointer.

    Attributes:
        text: what stands in it.
        more: what is shown under the pointer.
        sort: the number that its column is sorted by; the text where there is none.
    """

    text: str
    more: str = ""
    sort: float | None = None


@attrs.frozen
class Table:
    """A table that its reader can sort.

    Attributes:
        columns: the header.
        rows: one cell per column: text, a number or a `Cell`.
        caption: what it shows.
        foot: rows below the others, wherever these are sorted to.
        folded: whether it is closed until its caption is clicked.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    foot: Sequence[Sequence[object]] = ()
    folded: bool = False
    kind: str = attrs.field(default="table", init=False)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the smallest and largest finite value, at least one apart where they are the same."""
    finite = [float(value) for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    return low, high if high > low else low + 1.0


@attrs.frozen
class Chart:
    """Lines over one pair of axes.

    Attributes:
        lines: name -> the line's x and y, equally long.
        x: what the horizontal axis is.
        y: what the vertical axis is.
        caption: what it shows.
        bands: a line's name -> lower and upper y around it, as many as the line has points.
        across: what the vertical axis spans at least.
    """

    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    x: str = ""
    y: str = ""
    caption: str = ""
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] = attrs.field(factory=dict)
    across: Sequence[float] = ()
    kind: str = attrs.field(default="chart", init=False)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Width, height, left and bottom edge of the drawing."""
        return WIDTH, HEIGHT, LEFT, BOTTOM

    def limits(self) -> tuple[float, float, float, float]:
        """Return the smallest and largest finite x and y; at least one apart."""
        xs, ys = ([v for line in self.lines.values() for v in line[axis]] for axis in (0, 1))
        bands = [v for band in self.bands.values() for side in band for v in side]
        return *_ends(xs), *_ends([*ys, *bands, *self.across])

    def points(self, name: str) -> str:
        """Return a line's points for the drawing; those that are not finite are left out."""
        return self._place(*self.lines[name])

    def area(self, name: str) -> str:
        """Return the corners of the band around a line, or nothing where it has none."""
        if name not in self.bands:
            return ""
        across, (low, high) = list(self.lines[name][0]), self.bands[name]
        return self._place([*across, *across[::-1]], [*low, *list(high)[::-1]])

    def _place(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        left, right, low, high = self.limits()
        pairs = []
        for x, y in zip(xs, ys, strict=True):
            if math.isfinite(x) and math.isfinite(y):
                across = LEFT + (x - left) / (right - left) * (WIDTH - LEFT - 12)
                down = HEIGHT - BOTTOM - (y - low) / (high - low) * (HEIGHT - BOTTOM - 12)
                pairs.append(f"{across:.1f},{down:.1f}")
        return " ".join(pairs)


@attrs.frozen
class Ranking:
    """Numbers with their intervals on one axis, one a row.

    Attributes:
        rows: name, lower end, number, upper end, and whether it stands out.
        across: what the axis spans at least.
        caption: what it shows.
    """

    rows: list[tuple[str, float, float, float, bool]]
    across: Sequence[float] = (0.0,)
    caption: str = ""
    kind: str = attrs.field(default="ranking", init=False)

    def limits(self) -> tuple[float, float]:
        """Return the ends of the axis; at least one apart where there is a single number."""
        return _ends([*self.across, *(v for row in self.rows for v in row[1:4])])

    def place(self, value: float) -> float:
        """Return where a number lies on the axis, in [0, 1]; 0 where it is not finite."""
        low, high = self.limits()
        return (value - low) / (high - low) if math.isfinite(value) else 0.0


@attrs.frozen(eq=False)
class Picture:
    """A picture of any size; it is made smaller where it is large.

    Attributes:
        pixels: (H, W, 3) or (H, W) uint8.
        alt: what there is to see, for those who cannot see it.
        caption: what it shows.
    """

    pixels: np.ndarray
    alt: str
    caption: str = ""
    kind: str = attrs.field(default="picture", init=False)

    @property
    def uri(self) -> str:
        """The picture, encoded again."""
        return picture_uri(self.pixels, LONGEST)


def _parts(parts: Sequence[object]) -> tuple[object, ...]:
    for part in parts:
        if not isinstance(part, Table | Chart | Ranking | Picture):
            raise OptionTypeError(
                "a section holds Table, Chart, Ranking and Picture of visioncam.html_report.sections; "
                f"received {type(part).__name__}"
            )
    return tuple(parts)


@attrs.frozen(eq=False)
class Section:
    """A part of a report with a heading.

    Attributes:
        title: its heading.
        text: paragraphs of plain text, one a line.
        parts: `Table`, `Chart`, `Ranking` and `Picture`, in order.
        leads: whether it stands before the photos.
    """

    title: str
    text: str = ""
    parts: Sequence[object] = attrs.field(default=(), converter=_parts)
    leads: bool = False
