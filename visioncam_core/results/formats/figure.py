"""Figures for papers: words, frame and colour bar drawn by Matplotlib, each map inside as an image."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.files import FORMATS, VECTORS, without_folders
from visioncam_core.options.fields import build, describe_options, in_range, option
from visioncam_core.plugins.default import registry
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.formats.film import SMALLEST
from visioncam_core.results.render import call_renderer, sheet_options
from visioncam_core.text import brief, clean, not_found

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap

SEQUENTIAL = "inferno"  # evidence of one sign
DIVERGING = "RdBu_r"  # evidence of both signs; zero is neutral
BEST = ("inferno", "magma", "plasma", "viridis", "cividis", "RdBu_r", "coolwarm", "PuOr_r", "gray", "jet")
MEASURES = {
    "for": "Evidence for the target",
    "against": "Evidence against the target",
    "signed": "Evidence against (\u2212) and for (+)",
}
SETTINGS: Any = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "visioncam", "font.size": 8,
            "axes.titlesize": 8, "axes.linewidth": 0.5, "xtick.major.width": 0.5}  # fmt: skip
"""Text stays text, in fonts that journals take; the same figure has the same bytes."""
CELL, LETTER, LINE, INCH = 2.8, 0.155, 0.36, 2.54  # centimetres: a small map, a letter, a line of text
LINES = 3  # of words above a map


@attrs.frozen(eq=False)
class Cell:
    """One place of a figure: a drawn picture, or words alone, and what its colours mean."""

    words: str
    pixels: np.ndarray | None = None
    colours: Colormap | None = None
    evidence: str = "for"

    @classmethod
    def of(cls, e: ExplanationData, renderer: Any, options: Mapping[str, Any], words: str) -> Cell:
        spec, drawer = registry().make_renderer(renderer, options)
        if spec is not None and "min_size" in {info.name for info in describe_options(spec.cls)}:
            spec, drawer = registry().make_renderer(renderer, {"min_size": SMALLEST, **options})
        name = getattr(drawer, "colormap", None)
        colours = None if name is None else colormap_of(name, signed=e.evidence == "signed")
        return cls(words, call_renderer(spec, drawer, e), colours, e.evidence)

    def on(self, ax: Axes, words: str, smooth: str | None = None) -> None:
        """Draw it on Matplotlib axes; `smooth` is the interpolation, Matplotlib's own by default."""
        if self.pixels is None:
            ax.set_axis_off()
            ax.text(0.5, 0.5, words, ha="center", va="center", parse_math=False, transform=ax.transAxes)
            return
        ax.imshow(self.pixels, interpolation=smooth)
        ax.set(xticks=[], yticks=[])
        ax.set_title(words, parse_math=False)

    def bar(self, axes: Any, where: str, **looks: Any) -> None:
        """Draw the scale beside axes; where only the renderer knows its colours there is none."""
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize

        if self.colours is not None:
            low = -1 if self.evidence == "signed" else 0
            scale = ScalarMappable(Normalize(low, 1), self.colours)
            label = MEASURES.get(self.evidence, "Evidence")
            axes[0].figure.colorbar(
                scale, ax=list(axes), location=where, ticks=[low, 1], label=label, **looks
            )


@attrs.frozen
class Figure:
    """A figure of a paper.

    Attributes:
        width_cm: width in centimetres; the height follows from the pictures.
        dpi: pixels an inch of a .png, .jpg or .webp; in .pdf and .svg the most that an image inside has.
        title: write class, probability and method above.
        colorbar: draw the scale below.
    """

    width_cm: float = option(8.5, help="width of the figure", unit="cm", validator=in_range(2, 120))
    dpi: int = option(300, help="pixels per inch of the image", validator=in_range(30, 2400))
    title: bool = option(True, help="write class, probability and method above")
    colorbar: bool = option(True, help="draw the scale below")

    def file(
        self, blocks: Sequence[Sequence[Cell]], suffix: str, about: Mapping[str, str], columns: int = 0
    ) -> bytes:
        """Return the bytes of a file.

        Args:
            blocks: each begins a new row.
            suffix: of the file.
            about: what the file says of itself.
            columns: pictures a row; 0 chooses by the width.
        """
        from matplotlib import rc_context
        from matplotlib.figure import Figure as Canvas

        columns = min(columns or max(int(self.width_cm // CELL), 1), max(map(len, blocks)))
        rows = [[*block[i : i + columns]] for block in blocks for i in range(0, len(block), columns)]
        across = self.width_cm / columns
        drawn = [cell for row in rows for cell in row if cell.pixels is not None]
        words = {cell: _lines(cell.words, across) for row in rows for cell in row if self.title}
        above = max([text.count("\n") + 1 for text in words.values()], default=0) * LINE
        ratio = max(cell.pixels.shape[0] / cell.pixels.shape[1] for cell in drawn if cell.pixels is not None)
        coloured = next((cell for cell in drawn if self.colorbar and cell.colours is not None), None)
        height = len(rows) * ((across - 0.2) * ratio + above + 0.25) + 1.3 * bool(coloured)
        buffer = io.BytesIO()
        with rc_context(SETTINGS):
            canvas = Canvas((self.width_cm / INCH, height / INCH), layout="compressed")
            grid = canvas.subplots(len(rows), columns, squeeze=False)
            for axes, row in zip(grid, rows, strict=True):
                for ax, cell in zip(axes, [*row, *[Cell("")] * (columns - len(row))], strict=True):
                    few = cell.pixels is None or cell.pixels.shape[1] <= across / INCH * self.dpi
                    own = "none" if few and suffix in VECTORS else None  # the image keeps its own pixels
                    cell.on(ax, words.get(cell, ""), own)
            if coloured:
                share = min(8 / self.width_cm, 0.7)  # the bar is 2.5 mm high
                long = {"shrink": share, "aspect": share * self.width_cm / 0.25}
                coloured.bar(grid.ravel(), "bottom", fraction=0.25 / height, pad=0.2 / height, **long)
            canvas.savefig(buffer, format=suffix[1:], dpi=self.dpi, metadata=_told(about, suffix))
        return buffer.getvalue()


OPTIONS = frozenset(info.name for info in describe_options(Figure))
SIZES = frozenset({"width_cm", "dpi"})
"""What makes a figure of a .png, .jpg or .webp."""


def is_figure(suffix: str, options: Mapping[str, Any]) -> bool:
    """Return whether a file is a figure: by its suffix, or a picture for which a size is given."""
    return suffix in VECTORS or (suffix in FORMATS and not SIZES.isdisjoint(options))


def map_file(
    e: ExplanationData, suffix: str, renderer: Any, options: Mapping[str, Any], about: Mapping[str, str]
) -> bytes:
    """Return one explanation's figure; options are the figure's and the renderer's."""
    page, rest = _split(options, suffix)
    return page.file([[Cell.of(e, renderer, rest, headline(e))]], suffix, about)


def sheet_file(
    comparisons: Sequence[Any], suffix: str, options: Mapping[str, Any], about: Mapping[str, str]
) -> bytes:
    """Return the figure of comparisons, each photo once; options are the figure's, `columns`, and the maps'.

    Raises:
        OptionTypeError: an option that only the drawn sheet has.
    """
    page, rest = _split(options, suffix)
    own = sheet_options(rest)
    if alien := set(own) - {"columns", "renderer", "tile_options"}:
        raise OptionTypeError(
            f"{min(alien)!r} is an option of the drawn sheet, not of a figure; leave it out, or save a .png "
            "without width_cm= and dpi="
        )
    sheet: Any = registry().make_renderer("sheet", own)[1]
    blocks, before = [], None
    for row in comparisons:
        photo = row.explanations[0].picture if row.explanations else None
        blocks.append(cells_of(row, sheet.renderer, sheet.tile_options, photo is not before))
        before = photo
    return page.file(blocks, suffix, about, sheet.columns)


def cells_of(comparison: Any, renderer: Any, options: Mapping[str, Any], photo: bool = True) -> list[Cell]:
    """Return a comparison's photo, or in its place what it explains, and its maps."""
    if not comparison.explanations:
        raise OptionError("no method gave a map, so there is no figure; look at comparison.failures")
    first = comparison.explanations[0]
    bands = {name: value for name, value in options.items() if name == "bands"}
    words = headline(first, method=False)
    seen = Cell.of(first, "overlay", {"alpha": 0.0, **bands}, words) if photo else Cell(words)
    return [
        attrs.evolve(seen, colours=None),
        *(Cell.of(e, renderer, options, e.method_title) for e in comparison.explanations),
    ]


def plot_map(
    e: ExplanationData,
    ax: Axes | None,
    renderer: Any,
    title: bool,
    colorbar: bool,
    options: Mapping[str, Any],
) -> Axes:
    """Draw an explanation on axes; see `Explanation.plot`."""
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.gca()
    elif not hasattr(ax, "imshow"):
        raise OptionTypeError(
            f"ax must be Matplotlib axes, as plt.subplots() returns them, received {brief(ax, 60)}"
        )
    cell = Cell.of(e, renderer, options, headline(e))
    cell.on(ax, readable(cell.words) if title else "")
    if colorbar:
        cell.bar([ax], "right", fraction=0.046, pad=0.04)
    return ax


def plot_maps(
    comparison: Any, axes: Any, renderer: Any, title: bool, colorbar: bool, options: Mapping[str, Any]
) -> list[Axes]:
    """Draw a comparison on axes; see `Comparison.plot`."""
    cells = cells_of(comparison, renderer, options)
    if axes is None:
        from matplotlib import pyplot

        axes = pyplot.subplots(1, len(cells), layout="compressed", figsize=(2.4 * len(cells), 2.6))[1]
    places = list(np.ravel(np.asarray(axes, object)))
    if len(places) not in (len(cells) - 1, len(cells)) or not all(hasattr(ax, "imshow") for ax in places):
        raise OptionError(
            f"axes takes {len(cells)} Matplotlib axes, the photo's first, or {len(cells) - 1} for the maps "
            f"alone; received {len(places)}: {brief(axes, 60)}"
        )
    for ax, cell in zip(places, cells[-len(places) :], strict=True):
        cell.on(ax, readable(cell.words) if title else "")
    if colorbar:
        cells[-1].bar(places, "right", fraction=0.046 / len(places), pad=0.02)
    return places


def colormap_of(given: Any, *, signed: bool = False) -> Colormap:
    """Return Matplotlib's colour map of a name; "auto" is for heat of one sign or two; an object is itself.

    Raises:
        NameNotFoundError: matplotlib has no such colour map; the nearest names are offered.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Colormap

    if isinstance(given, Colormap):
        return given
    name = (DIVERGING if signed else SEQUENTIAL) if given == "auto" else given
    known = {other.lower(): other for other in colormaps}
    spelled = name if name in colormaps else known.get(name.lower())
    if spelled is None:
        raise not_found("colormap", name, ["auto", *BEST, *sorted(set(colormaps) - set(BEST))])
    return colormaps[spelled]


def headline(e: ExplanationData, method: bool = True) -> str:
    """Return class, certainty and, in a second line, the method."""
    share = e.target.probability
    sure = f"{e.score_kind} {e.score:.4g}" if share is None else f"{share:.1%}"
    return f"{e.target.label}, {sure}" + (f"\n{e.method_title}" if method else "")


def readable(text: str) -> str:
    """Return words that fonts can show, line by line."""
    return "\n".join(clean(line) for line in text.split("\n"))


def _lines(text: str, across: float) -> str:
    """Return words cut into at most `LINES` lines of a place so many centimetres wide."""
    room = max(int(across / LETTER), 8)
    lines = [part for line in text.split("\n") for part in wrap(clean(line), room, break_long_words=True)]
    return "\n".join([*lines[: LINES - 1], *lines[-1:]] if len(lines) > LINES else lines)


def _split(options: Mapping[str, Any], suffix: str) -> tuple[Figure, dict[str, Any]]:
    own = {name: value for name, value in options.items() if name in OPTIONS}
    page = build(Figure, own, f"format {suffix!r}")
    return page, {name: value for name, value in options.items() if name not in OPTIONS}


def _told(about: Mapping[str, str], suffix: str) -> dict[str, Any] | None:
    """Return what a file says of itself, in the words of its format; without the time it was made."""
    clear = {key: clean(without_folders(str(text))) for key, text in about.items()}
    if suffix == ".png":
        return dict(clear)
    facts = "; ".join(f"{key}: {text}" for key, text in clear.items() if key not in ("Title", "Software"))
    made = {"Title": clear.get("Title", ""), "Creator": clear.get("Software", "VisionCam")}
    if suffix == ".pdf":
        return {**made, "Subject": facts, "CreationDate": None}
    return {**made, "Description": facts, "Date": None} if suffix == ".svg" else None
