r"""Lines of text as coverage masks, drawn by matplotlib without pyplot or settings of its own.

A line becomes a small array of coverage, which the caller lays in any colour
over any picture; a page of any size costs no more than its letters.  Text is
shown verbatim: `$`, `\`, `^` and `_` mean nothing here.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any, Literal, cast

import numpy as np

INK = (24, 29, 38)
QUIET = (88, 96, 108)  # on white: contrast 6.3 to 1
WHITE = (255, 255, 255)
# Letters DejaVu lacks (Chinese, Japanese, Korean, ...) come from the first of these that is installed.
FALLBACKS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Arial Unicode MS",
)
ROWS = 250_000  # pixels that ink is laid on at a time
MISSING = "\u25a1"  # a white square, for a letter that no font has
ELLIPSIS = "\u2026"

# matplotlib promises nothing to threads; a line takes about a millisecond.
_LOCK = threading.Lock()


def line_height(size: int) -> int:
    """Return the height of a line's mask in pixels: `size` and room below the baseline."""
    return _ascent(size) + -(-size * 28 // 100)


@lru_cache(maxsize=1024)
def mask(text: str, size: int, bold: bool = False) -> np.ndarray:
    """Return the coverage of one line of text; line breaks and control characters become spaces.

    (line_height(size), W) float32 ndarray in [0, 1], read-only; W is at least 1, and `size` in pixels, too.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = _printable(text, bold)
    height = line_height(size)
    width = width_of(text, size, bold)
    with _LOCK:
        figure = Figure(figsize=(width / 72, height / 72), dpi=72, frameon=False)
        canvas: Any = FigureCanvasAgg(figure)
        baseline = (height - _ascent(size)) / height
        figure.text(
            0,
            baseline,
            shown,
            color="black",
            fontproperties=_font(size, bold),
            parse_math=False,
            usetex=False,
        )
        canvas.draw()
        coverage = np.asarray(canvas.buffer_rgba())[..., 3] / np.float32(255)
    result = np.zeros((height, width), np.float32)
    rows, columns = min(height, coverage.shape[0]), min(width, coverage.shape[1])
    result[:rows, :columns] = coverage[:rows, :columns]
    result.setflags(write=False)
    return result


@lru_cache(maxsize=4096)
def width_of(text: str, size: int, bold: bool = False) -> int:
    """Return the width of a line of text in pixels, at least 1."""
    from matplotlib.backends.backend_agg import RendererAgg

    shown = _printable(text, bold)
    with _LOCK:
        renderer: Any = cast("Any", RendererAgg)(1, 1, 72)
        width, _, _ = renderer.get_text_width_height_descent(shown, _font(size, bold), False)
    return max(int(np.ceil(width)) + 2, 1)


def shorten(
    text: str, width: int, size: int, bold: bool = False, keep: Literal["start", "end"] = "start"
) -> str:
    """Return the text, cut with an ellipsis where it is wider than `width` pixels."""
    if width_of(text, size, bold) <= width:
        return text

    def cut(letters: int) -> str:
        return (
            text[:letters].rstrip() + ELLIPSIS if keep == "start" else ELLIPSIS + text[len(text) - letters :]
        )

    low, high = 0, len(text) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if width_of(cut(middle), size, bold) <= width:
            low = middle
        else:
            high = middle - 1
    return cut(low)


def wrap(text: str, width: int, size: int, lines: int) -> list[str]:
    """Return the text broken at spaces into at most `lines` lines of at most `width` pixels."""
    result: list[str] = []
    rest = text.split()
    while rest and len(result) < lines - 1:
        count = 1
        while count < len(rest) and width_of(" ".join(rest[: count + 1]), size) <= width:
            count += 1
        result.append(shorten(" ".join(rest[:count]), width, size))
        rest = rest[count:]
    if rest:
        result.append(shorten(" ".join(rest), width, size))
    return result


def draw(
    page: np.ndarray,
    text: str,
    x: int,
    y: int,
    size: int,
    *,
    colour: tuple[int, int, int] = INK,
    bold: bool = False,
    align: Literal["left", "centre", "right"] = "left",
) -> int:
    """Write a line of text onto a page, in place, cut at the page's edges; return its width in pixels.

    `x` is where the line starts, has its middle or ends, by `align`; `y` is its upper edge.
    """
    coverage = mask(text, size, bold)
    width: int = coverage.shape[1]
    left = x - {"left": 0, "centre": width // 2, "right": width}[align]
    lay(page, coverage, left, y, colour)
    return width


def lay(page: np.ndarray, coverage: np.ndarray, left: int, top: int, colour: tuple[int, int, int]) -> None:
    """Lay a coverage mask in one colour onto a page, in place, cut at the page's edges."""
    height, width = coverage.shape
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + height, page.shape[0]), min(left + width, page.shape[1])
    if y0 >= y1 or x0 >= x1:
        return
    # Some rows at a time, and only those with ink, so that a large page takes little memory.
    step = max(ROWS // (x1 - x0), 1)
    for y in range(y0, y1, step):
        part = coverage[y - top : min(y + step, y1) - top, x0 - left : x1 - left, None]
        if part.any():
            below = page[y : min(y + step, y1), x0:x1]
            below[:] = np.rint(below + part * (np.asarray(colour, np.float32) - below))


def _ascent(size: int) -> int:
    return -(-size * 98 // 100)


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> Any:
    """Return matplotlib's font for a size in pixels (at 72 dots an inch a point is a pixel)."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=list(_families()), weight="bold" if bold else "normal", size=size)


@lru_cache(maxsize=1)
def _families() -> tuple[str, ...]:
    from matplotlib.font_manager import fontManager

    installed = {entry.name for entry in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in FALLBACKS if name in installed))


@lru_cache(maxsize=2)
def _letters(bold: bool) -> frozenset[int]:
    """Return the code points that the fonts can show."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    weight = "bold" if bold else "normal"
    found = (get_font(findfont(FontProperties(family=name, weight=weight))) for name in _families())
    return frozenset(code for font in found for code in font.get_charmap())


@lru_cache(maxsize=4096)
def _printable(text: str, bold: bool) -> str:
    """Return the text without line breaks and control characters, and with a square for unknown letters."""
    letters = _letters(bold)
    plain = (" " if ord(c) < 32 or 127 <= ord(c) < 160 or c.isspace() else c for c in text)
    return "".join(c if ord(c) in letters else MISSING for c in plain) or " "
