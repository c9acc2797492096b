"""The contact sheet: one photo and its maps by several methods, on one white page.

Every tile has the photo's proportions; the header says which maps share a scale.  A method that
failed keeps its place, with the reason.  Several pictures, classes or layers get a block each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.options import in_range, option
from visioncam_core.text import normalise
from visioncam_viz.drawing import caption
from visioncam_viz.drawing.agreement import agreement_tile, correlation_tile
from visioncam_viz.drawing.blend import frame_seen
from visioncam_viz.drawing.colour import colour_table
from visioncam_viz.drawing.grid import best_columns
from visioncam_viz.drawing.panel import heading, legend
from visioncam_viz.drawing.present import photo_of
from visioncam_viz.drawing.scene import WHOLE, seen_of
from visioncam_viz.drawing.sheet_scale import WORDS, Scale, scale_maps, strongest
from visioncam_viz.drawing.text import INK, QUIET, draw, line_height, shorten, width_of, wrap
from visioncam_viz.drawing.tile import Tile, box_of, fit, resize_to, small_picture

if TYPE_CHECKING:
    from visioncam_core.results.comparison import Comparison
    from visioncam_core.results.explanation import Explanation

HEAD, TITLE, SMALL = 30, 18, 14  # font sizes in pixels
MARGIN, GAP, ROW = 36, 22, 26
NARROWEST = 820  # pixels that the header's words need
COLOURED = ("overlay", "saliency", "heatmap", "contour", "slices", "planes", "projection")
WIDEST = 12  # tiles a row where several comparisons stand below one another
FAILED = (247, 243, 240)


@attrs.frozen
class Sheet:
    """Photo and maps in one grid; takes a `Comparison` or several, not an `Explanation`.

    Tiles are made by `explanation.render(renderer, **tile_options)` on a copy at the tile's
    size, so any renderer serves, a third party's as well.

    Attributes:
        renderer: name of the renderer of each map, or a renderer object.
        tile_options: options of that renderer.
        columns: tiles per row; 0 for automatic.
        tile: a tile's width in pixels (height for tall photos).
        agreement: add a tile that shows where the methods agree.
        correlations: add a tile with the rank correlation of each pair of methods.
        scale: which maps share a scale: each its own, those of one method, or all.
    """

    renderer: object = option("overlay", help="renderer of each map")
    tile_options: Mapping[str, object] = option(attrs.Factory(dict), help="options of that renderer")
    columns: int = option(0, help="tiles per row; 0 for automatic", validator=in_range(0, 100))
    tile: int = option(340, help="width of a tile", unit="pixels", validator=in_range(64, 2048))
    agreement: bool = option(False, help="add a tile that shows where the methods agree")
    correlations: bool = option(False, help="add a tile with the rank correlation of each pair of methods")
    scale: Scale = option(
        "map", help="which maps share a colour scale: none (each its own), those of a method, or all"
    )

    def __call__(self, comparison: Comparison | Sequence[Comparison]) -> np.ndarray:
        """Render a comparison, or several below one another.

        Args:
            comparison: explanations of one picture, with `seconds`, `passes` and `failures` by method; or a
                list of comparisons.

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: a comparison is empty.
            ImageTypeError: what was received is not a comparison.
        """
        several = isinstance(comparison, list | tuple) and len(comparison) > 1
        given: list[Any] = list(comparison) if isinstance(comparison, list | tuple) else [comparison]
        for one in given or [None]:
            if not hasattr(one, "explanations"):
                raise ImageTypeError(
                    f"The sheet shows a comparison, received {type(one).__name__}. Make one with "
                    "visioncam.compare(model, image), or render this with 'overlay'."
                )
        groups = scale_maps(given, self.scale)
        blocks = [self._tiles(one) for one in groups]
        for before, group, block in zip(groups, groups[1:], blocks[1:], strict=False):
            if group.explanations[0].picture is before.explanations[0].picture:
                block[0] = Tile("", "", np.full_like(block[0].picture, 255))  # the photo stands above
        tiles = [tile for block in blocks for tile in block]
        cell_h = max(tile.picture.shape[0] for tile in tiles)
        cell_w = max(max(tile.picture.shape[1] for tile in tiles), 180)
        words = line_height(TITLE) + line_height(SMALL) + 8
        most = max(map(len, blocks))
        free = best_columns(most, cell_w + GAP, cell_h + words + ROW)
        columns = min(self.columns, most) or (most if several and most <= WIDEST else free)
        head = line_height(HEAD) + line_height(SMALL) + ROW
        label = line_height(TITLE) + 8 if several else 0
        step = words + cell_h + ROW
        rows = [-(-len(block) // columns) for block in blocks]
        height = 2 * MARGIN + head + sum(rows) * step + len(blocks) * label - ROW
        inner = max(columns * cell_w + (columns - 1) * GAP, NARROWEST)
        page = np.full((height, inner + 2 * MARGIN, 3), 255, np.uint8)
        self._header(page, groups, inner)
        top = MARGIN + head
        for group, block, count in zip(groups, blocks, rows, strict=True):
            if several:
                draw(page, shorten(_label(group), inner, TITLE), MARGIN, top, TITLE)
                top += label
            for place, tile in enumerate(block):
                row, column = divmod(place, columns)
                _place(page, tile, MARGIN + column * (cell_w + GAP), top + row * step, cell_w, cell_h)
            top += count * step
        return page

    def _tiles(self, comparison: Comparison) -> list[Tile]:
        """Return the photo's tile and one for each method, in order; those that failed last."""
        if not comparison.explanations:
            why = "; ".join(f"{name}: {why}" for name, why in comparison.failures.items())
            raise ImageError(
                f"Nothing to show in a sheet: no method gave a map. {why or 'No method was requested.'}"
            )
        first = comparison.explanations[0]
        box = box_of(first, self.tile)
        flat = first.heatmap.ndim == 2
        small = small_picture(first, box) if flat else np.empty(0)
        bands: Any = self.tile_options.get("bands")
        photo = fit(photo_of(resize_to(first, small) if flat else first, bands), box)
        if flat:
            frame_seen(photo, seen_of(first))
        layers = {e.layer.path for e in comparison.explanations}
        tiles = [Tile("Photo" if flat else "Input", _size(first), photo)]
        sized = []
        for e in comparison.explanations:
            at_size = e
            if flat:
                at_size = resize_to(e, small if e.picture is first.picture else small_picture(e, box))
            sized.append(at_size)
            picture = fit(at_size.render(self.renderer, **self.tile_options), box)
            notes = [_cost(comparison, e), e.layer.path if len(layers) > 1 else ""]
            notes.append(strongest(e) if self.scale != "map" else "")
            tiles.append(Tile(e.method_title, " \u00b7 ".join(filter(None, notes)), picture))
        empty = np.full_like(photo, FAILED)
        tiles += [Tile(name, "failed", empty, why) for name, why in comparison.failures.items()]
        if self.agreement:
            tiles.append(agreement_tile(sized, box, bands))
        if self.correlations:
            tiles.append(correlation_tile(sized, photo.shape[:2]))
        return tiles

    def _header(self, page: np.ndarray, groups: Sequence[Comparison], inner: int) -> None:
        """Write, in place, what was explained on the left and what the colours mean on the right."""
        first = groups[0].explanations[0]
        if len(groups) == 1:
            heading(page, first, MARGIN, MARGIN, inner, HEAD, SMALL)
        else:
            draw(page, _contents(groups), MARGIN, MARGIN, HEAD, bold=True)
        line = MARGIN + line_height(HEAD) + 4
        room = inner
        if (name := self._colormap()) is not None:
            table = colour_table(name, signed=first.evidence == "signed")
            room = legend(page, first, table, MARGIN, line, inner, SMALL) - MARGIN - GAP
        layers = sorted({caption.layer_name(e) for group in groups for e in group.explanations})
        cropped = any(seen_of(e) != WHOLE for group in groups for e in group.explanations)
        scale = f" \u00b7 {WORDS[self.scale]}"
        framed = " \u00b7 the model sees what is framed" * cropped
        scale += framed if width_of(scale + framed, SMALL) < room else ""
        words = f"Layer {layers[0]}" if len(layers) == 1 else f"{len(layers)} layers"
        words = shorten(words, room - width_of(scale, SMALL), SMALL, keep="end") + scale
        draw(page, words, MARGIN, line, SMALL, colour=QUIET)

    def _colormap(self) -> Any:
        """Return the colour map of the tiles; None where only the renderer knows it: then no bar is drawn."""
        if isinstance(self.renderer, str):
            ours = normalise(self.renderer) in COLOURED
            return self.tile_options.get("colormap", "auto") if ours else None
        return getattr(self.renderer, "colormap", None)


def _place(page: np.ndarray, tile: Tile, left: int, top: int, width: int, height: int) -> None:
    """Put a tile's words and picture onto the page, in place."""
    draw(page, shorten(tile.title, width, TITLE, True), left, top, TITLE, bold=True)
    top += line_height(TITLE)
    draw(page, shorten(tile.note, width, SMALL), left, top, SMALL, colour=QUIET)
    top += line_height(SMALL) + 8
    h, w = tile.picture.shape[:2]
    page[top : top + h, left : left + w] = tile.picture
    if tile.failure:
        room = max((height - 16) // line_height(SMALL), 1)
        for number, line in enumerate(wrap(tile.failure, width - 16, SMALL, room)):
            draw(page, line, left + 8, top + 8 + number * line_height(SMALL), SMALL, colour=INK)


def _label(group: Comparison) -> str:
    """Return what tells a block from the others: `cat.jpg \u00b7 tiger cat (282) 39 % \u00b7 block5c_add`."""
    e = group.explanations[0]
    known = e.target.probability
    share = "" if known is None else f" {known:.0%}" if known >= 0.1 else f" {known:.1%}"
    parts = (str(e.provenance.get("source", "")), f"{e.target.label}{share}", e.layer.path)
    return " \u00b7 ".join(filter(None, parts))


def _contents(groups: Sequence[Comparison]) -> str:
    """Return how much there is: `1 picture, 3 classes, 2 layers, 9 methods`; all that the sheet shows."""
    every = [e for group in groups for e in group.explanations]
    counts = {
        "picture": len({id(e.picture) for e in every}),
        "class": len({e.target.label for e in every}),
        "layer": len({e.layer.path for e in every}),
        "method": len({e.method for e in every}),
    }
    plural = {"class": "classes"}
    parts = [f"{n} {plural.get(name, f'{name}s') if n > 1 else name}" for name, n in counts.items()]
    return ", ".join(parts)


def _size(explanation: Explanation) -> str:
    """Return the input's size: `451 × 300` (width first) for pictures, `1,000 samples` for signals."""
    shape = explanation.heatmap.shape
    if len(shape) == 1:
        return f"{shape[0]:,} samples"
    return " \u00d7 ".join(str(length) for length in (reversed(shape) if len(shape) == 2 else shape))


def _cost(comparison: Comparison, explanation: Explanation) -> str:
    """Return what a method cost beyond the shared passes: `0.12 s · 2 extra passes`, as far as known."""
    seconds, passes = comparison.seconds.get(explanation.method), comparison.passes.get(explanation.method)
    parts = []
    if seconds is not None:
        spent = f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
        parts.append(spent if seconds >= 0.01 else "< 0.01 s")
    if passes is not None:
        parts.append(f"{passes or 'no':{',' if passes else ''}} extra pass{'' if passes == 1 else 'es'}")
    if explanation.account is not None and explanation.account.note:
        parts.append(explanation.account.note.partition(",")[0])
    return " \u00b7 ".join(parts)
