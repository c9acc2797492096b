"""What each region gave: on the photo, in colours with borders, and as a bar chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.options import in_range, option
from visioncam_core.results.accounts import NO_REGIONS, RegionTable
from visioncam_viz.drawing.blend import blend, mix
from visioncam_viz.drawing.colour import DIVERGING, ColourMap, colour_table, known_colormap
from visioncam_viz.drawing.options import COLORBAR, MIN_SIZE, TITLE, looks
from visioncam_viz.drawing.panel import frame
from visioncam_viz.drawing.present import present
from visioncam_viz.drawing.scene import Scene
from visioncam_viz.drawing.text import INK, QUIET, draw, line_height, shorten, width_of, wrap
from visioncam_viz.renderers.signed import grey_photo

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

WIDTH = 640  # pixels of a chart
SIZE = 15  # of its letters
NUMBER = "{:+.3g}"
LINE, EDGE = np.array((24, 29, 38), np.uint8), np.float32(0.45)


@attrs.frozen
class RegionColours:
    """Each region in the colour of its contribution, red for, blue against, with borders; the photo is grey.

    The strongest colour is the largest contribution by size.

    Attributes:
        colormap: a diverging matplotlib colour map, or its name.
        alpha: opacity of the colours, 0 to 1.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the longer side shall have at least.
    """

    colormap: ColourMap = option(DIVERGING, help="diverging matplotlib colour map", validator=known_colormap)
    alpha: float = option(0.85, help="opacity of the colours", validator=in_range(0, 1))
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of a picture with regions, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the method has no regions, or they lie on no flat picture.
        """
        regions = table_of(explanation)
        if regions.labels.ndim != 2:
            raise ImageError(
                f"regions are drawn on pictures, these have {regions.labels.ndim} axes; render 'bars'"
            )
        size = float(np.abs(regions.contributions).max(initial=0.0)) or 1.0
        heat = np.append(regions.contributions / size, 0.0).astype(np.float32)
        colours = colour_table(self.colormap, signed=True)
        return present(
            attrs.evolve(explanation, heatmap=heat[regions.labels], evidence="signed"),
            lambda scene: self._paint(scene, regions.labels, heat, colours),
            table=colours,
            on_photo=False,
            **looks(self),
        )

    def _paint(self, scene: Scene, labels: np.ndarray, heat: np.ndarray, colours: np.ndarray) -> np.ndarray:
        rows, columns = (a // b for a, b in zip(scene.heat.shape, labels.shape, strict=True))
        labels = labels.repeat(rows, axis=0).repeat(columns, axis=1)  # the scene's own heat is interpolated
        painted = blend(grey_photo(attrs.evolve(scene, heat=heat[labels])), colours, self.alpha)
        edge = np.zeros(labels.shape, np.float32)
        edge[1:] += labels[1:] != labels[:-1]
        edge[:, 1:] += labels[:, 1:] != labels[:, :-1]
        return mix(painted, LINE, np.minimum(edge, 1) * EDGE)


@attrs.frozen
class Bars:
    """The largest contributions as bars with the regions' names, red for, blue against; then the others' sum.

    Attributes:
        count: so many regions, the largest by size.
        colormap: a diverging matplotlib colour map, or its name.
        title: write class, probability, method and layer above.
    """

    count: int = option(10, help="regions that get a bar", validator=in_range(1, 100))
    colormap: ColourMap = option(DIVERGING, help="diverging matplotlib colour map", validator=known_colormap)
    title: bool = option(True, help="write class, probability, method and layer above")

    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation with regions, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the method has no regions.
        """
        rows = [(name, value) for _, name, value in table_of(explanation).rows()]
        shown, others = rows[: self.count], rows[self.count :]
        if others:
            shown.append((f"{len(others)} others together", sum(value for _, value in others)))
        account = str(explanation.account or "")
        chart = self._chart(shown, account)
        return frame(chart, explanation, None, title=self.title, colorbar=False)

    def _chart(self, rows: list[tuple[str, float]], account: str) -> np.ndarray:
        high = line_height(SIZE) + 8
        notes = wrap(account, WIDTH, SIZE - 2, 3)
        page = np.full((high * (len(rows) + len(notes)), WIDTH, 3), 255, np.uint8)
        names = min(max(width_of(name, SIZE) for name, _ in rows), WIDTH // 3) + 12
        numbers = max(width_of(NUMBER.format(value), SIZE) for _, value in rows) + 8
        low, top = min(0.0, *(v for _, v in rows)), max(0.0, *(v for _, v in rows))
        scale = (WIDTH - names - 2 * numbers) / (top - low or 1.0)
        zero = names + numbers + round(-low * scale)
        table = colour_table(self.colormap, signed=True)
        for i, (name, value) in enumerate(rows):
            y, end = i * high, zero + round(value * scale)
            draw(page, shorten(name, names - 12, SIZE), names - 12, y + 4, SIZE, align="right")
            page[y + 3 : y + high - 3, min(zero, end) : max(zero, end)] = table[230 if value > 0 else 25]
            side, align = (end + 5, "left") if value >= 0 else (end - 5, "right")
            draw(page, NUMBER.format(value), side, y + 4, SIZE, colour=QUIET, align=align)  # type: ignore[arg-type]
        page[: high * len(rows), zero] = INK
        for i, note in enumerate(notes, len(rows)):
            draw(page, note, 0, high * i + 6, SIZE - 2, colour=QUIET)
        return page


def table_of(explanation: Explanation) -> RegionTable:
    """Return an explanation's regions.

    Raises:
        ImageError: there are none.
    """
    if explanation.regions is None:
        raise ImageError(NO_REGIONS.format(explanation.method))
    return explanation.regions
