"""A picture on a white page: title above, colour bar below, a note where the map is blank.

A page is as wide as its picture, or wide enough for its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from visioncam_viz.drawing import caption
from visioncam_viz.drawing.text import INK, QUIET, WHITE, draw, line_height, mask, shorten, width_of

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation

NARROWEST = 320  # pixels across; room for words
HAIR = (208, 212, 218)


def frame(
    picture: np.ndarray,
    explanation: Explanation,
    table: np.ndarray | None,
    *,
    title: bool,
    colorbar: bool,
    unit: float = 0.0,
) -> np.ndarray:
    """Put a rendered picture on its page; return the picture itself when there is nothing to add.

    Args:
        picture: (H, W, 3) uint8 ndarray.
        explanation: where the words come from.
        table: (256, 3) uint8 ndarray, the bar's colours, or None for no bar.
        title: whether to write target and certainty, method and layer above.
        colorbar: whether to draw the scale below.
        unit: how large to write, 1 is for a screen; 0 fits it to the picture.
    """
    colorbar = colorbar and table is not None
    if not (title or colorbar):
        return picture
    height, width = picture.shape[:2]
    inner = max(width, NARROWEST)
    unit = unit or max(inner / 640, 1.0)
    margin, gap = round(16 * unit), round(10 * unit)
    big, small = round(17 * unit), round(13 * unit)
    above = line_height(big) + line_height(small) + gap if title else 0
    below = gap + line_height(small) if colorbar else 0

    page = np.full((height + above + below + 2 * margin, inner + 2 * margin, 3), 255, np.uint8)
    if title:
        _title(page, explanation, margin, margin, inner, big, small)
    top = margin + above
    page[top : top + height, margin : margin + width] = picture
    if colorbar and table is not None:
        legend(page, explanation, table, margin, top + height + gap, inner, small)
    return page


def legend(
    page: np.ndarray, explanation: Explanation, table: np.ndarray, left: int, top: int, width: int, size: int
) -> int:
    """Draw, in place and flush right, what the colours measure and the bar; return where that begins."""
    low, high = ("\u22121", "+1") if explanation.evidence == "signed" else ("0", "1")
    space = size // 2
    right = left + width
    end = width_of(high, size)
    draw(page, high, right, top, size, colour=QUIET, align="right")
    words = caption.measure(explanation)
    room = width - width_of(words, size) - width_of(low, size) - end - 4 * space
    bar = min(round(12.5 * size), max(room, width // 8))
    stop = right - end - space
    start = stop - bar
    y, thick = top + round(0.18 * size), round(0.92 * size)
    colours = table[(np.arange(bar) * 256 // bar)]
    page[y : y + thick, start:stop] = colours
    outline(page, start, y, bar, thick)
    draw(page, low, start - space, top, size, colour=QUIET, align="right")
    stop = start - 2 * space - width_of(low, size)
    return stop - draw(page, shorten(words, stop - left, size), stop, top, size, colour=QUIET, align="right")


def heading(
    page: np.ndarray, explanation: Explanation, left: int, top: int, width: int, size: int, small: int
) -> None:
    """Write, in place, the target on the left and how sure the model is on the right, one line high."""
    kind, number = caption.certainty(explanation)
    right = left + width - draw(page, number, left + width, top, size, bold=True, align="right")
    drop = round(0.98 * size) - round(0.98 * small)  # to the same baseline
    right -= small // 2
    right -= draw(page, kind, right, top + drop, small, colour=QUIET, align="right")
    label = shorten(explanation.target.label, right - size - left, size, True)
    draw(page, label, left, top, size, bold=True)


def write_note(picture: np.ndarray, note: str, *, below: bool = False, unit: float = 0.0) -> np.ndarray:
    """Write a note on the picture's lower edge, in place, or on a strip below it where there is no room.

    With `below` it goes below in any case; `unit` as in `frame`.
    """
    height, width = picture.shape[:2]
    size = round(13 * (unit or max(width / 640, 1.0)))
    band = line_height(size) + size
    letters = mask(note, size, True)
    if below or width < letters.shape[1] + size or height < 3 * band:
        page = np.full((height + band, max(width, letters.shape[1] + size), 3), 255, np.uint8)
        page[:height, :width] = picture
        draw(page, note, size // 2, height + size // 2, size, colour=INK, bold=True)
        return page
    strip = picture[height - band :]
    strip[:] = np.rint(strip * 0.2 + np.asarray(INK, np.float32) * 0.8)
    draw(picture, note, width // 2, height - band + size // 2, size, colour=WHITE, bold=True, align="centre")
    return picture


def outline(page: np.ndarray, left: int, top: int, width: int, height: int) -> None:
    """Draw a hair line around a box, in place, so that pale colours end somewhere."""
    page[[top, top + height - 1], left : left + width] = HAIR
    page[top : top + height, [left, left + width - 1]] = HAIR


def _title(
    page: np.ndarray, explanation: Explanation, left: int, top: int, width: int, big: int, small: int
) -> None:
    heading(page, explanation, left, top, width, big, small)
    line = top + line_height(big)
    used = draw(page, shorten(explanation.method_title, width // 2, small), left, line, small, colour=QUIET)
    room = width - used - small
    layer = shorten(caption.layer_name(explanation), room, small, keep="end")
    draw(page, layer, left + width, line, small, colour=QUIET, align="right")
