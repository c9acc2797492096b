"""Two tiles for a sheet: where its methods agree, and how much each two of them do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.results.agreement import agreement, correlations
from visioncam_viz.drawing.blend import blend
from visioncam_viz.drawing.colour import DIVERGING, colour_table, colourise
from visioncam_viz.drawing.present import paint_views
from visioncam_viz.drawing.scene import Bands
from visioncam_viz.drawing.text import INK, QUIET, WHITE, draw, line_height, shorten
from visioncam_viz.drawing.tile import Tile, fit

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

COLOURS = "viridis"
TEXT = 12  # font sizes in pixels
DIGITS = 11
NAMES = 0.34  # share of the width that the methods' names take
UNKNOWN = (236, 236, 236)


def agreement_tile(explanations: Sequence[Explanation], box: tuple[int, int], bands: Bands) -> Tile:
    """Return the share of the methods with strong evidence in each place, over the photo.

    The explanations have the size at which they are to be shown; `box` is the tile's largest
    (height, width) in pixels.
    """
    shares = agreement(explanations)
    table = colour_table(COLOURS)
    together = attrs.evolve(explanations[0], heatmap=shares, evidence="for")
    picture = paint_views(together, lambda scene: blend(scene, table, 0.85), bands=bands)
    note = f"yellow: the strongest 10 % of all {len(explanations)}"
    return Tile("Agreement", note, fit(picture, box))


def correlation_tile(explanations: Sequence[Explanation], size: tuple[int, int]) -> Tile:
    """Return the rank correlation of each two methods as a table of coloured numbers.

    All explain one picture; `size` is the tile's (height, width) in pixels.
    """
    found = correlations(explanations)
    count = len(explanations)
    height, width = size[0], max(size[1], 220)
    page = np.full((max(height, count * line_height(TEXT)), width, 3), 255, np.uint8)
    left = round(NAMES * width)
    tall, wide = page.shape[0] / count, (width - left) / count
    colours = colourise(np.nan_to_num(found.values), colour_table(DIVERGING), signed=True)
    for row, explanation in enumerate(explanations):
        top, bottom = round(row * tall), round((row + 1) * tall)
        middle = (top + bottom - line_height(TEXT)) // 2
        draw(page, shorten(explanation.method_title, left - 8, TEXT), 0, middle, TEXT, colour=QUIET)
        for column in range(count):
            start, stop = left + round(column * wide), left + round((column + 1) * wide)
            value = found.values[row, column]
            known = bool(np.isfinite(value))
            page[top : bottom - 1, start : stop - 1] = colours[row, column] if known else UNKNOWN
            dark = known and colours[row, column].mean() < 120
            words = number(value) if wide > 2 * DIGITS else ""
            ink = WHITE if dark else INK
            draw(page, words, (start + stop) // 2, middle + 1, DIGITS, colour=ink, align="centre")
    mean = f"mean of all pairs {found.mean:.2f}" if np.isfinite(found.mean) else "no pair to compare"
    return Tile("Rank correlation", mean, page)


def number(value: float) -> str:
    """Return a correlation in as few letters as will do: `.87`, `-.05`, `1`, or `–` where there is none."""
    if not np.isfinite(value):
        return "\u2013"
    text = f"{value:.2f}".replace("-", "\u2212").replace("0.", ".", 1)
    return {"1.00": "1", "\u22121.00": "\u22121", ".00": "0", "\u2212.00": "0"}.get(text, text)
