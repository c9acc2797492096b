"""The contact sheet: one photo and its maps by several methods, on one white page.

Every tile has the photo's proportions; every map is on its own scale, as the
header says.  A method that failed keeps its place, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.names import normalise
from visioncam_core.options import in_range, option
from visioncam_viz import caption
from visioncam_viz.colour import colour_table
from visioncam_viz.concord import agreement_tile, correlation_tile
from visioncam_viz.grid import best_columns
from visioncam_viz.panel import heading, legend
from visioncam_viz.present import photo_of
from visioncam_viz.text import INK, QUIET, draw, line_height, shorten, width_of, wrap
from visioncam_viz.tile import Tile, box_of, fit, resized, small_picture

if TYPE_CHECKING:
    from visioncam_core.explanation import Comparison, Explanation

HEAD, TITLE, SMALL = 30, 18, 14  # font sizes in pixels
MARGIN, GAP, ROW = 36, 22, 26
NARROWEST = 820  # pixels that the header's words need
COLOURED = ("overlay", "saliency", "heatmap", "contour", "slices", "planes", "projection")
FAILED = (247, 243, 240)


@attrs.frozen
class Sheet:
    """Photo and maps in one grid; takes a `Comparison`, not an `Explanation`.

    Tiles are made by `explanation.render(renderer, **tile_options)` on a copy at the tile's
    size, so any renderer serves, a third party's as well.

    Attributes:
        renderer: name of the renderer of each map, or a renderer object.
        tile_options: options of that renderer.
        columns: tiles a row; 0 chooses.
        tile: a tile's width in pixels (height for tall photos).
        agreement: add a tile that shows where the methods agree.
        correlations: add a tile with the rank correlation of each two methods.
    """

    renderer: object = option("overlay", help="renderer of each map")
    tile_options: Mapping[str, object] = option(attrs.Factory(dict), help="options of that renderer")
    columns: int = option(0, help="tiles a row; 0 chooses", validator=in_range(0, 100))
    tile: int = option(340, help="width of a tile", unit="pixels", validator=in_range(64, 2048))
    agreement: bool = option(False, help="add a tile that shows where the methods agree")
    correlations: bool = option(False, help="add a tile with the rank correlation of each two methods")

    def __call__(self, comparison: Comparison) -> np.ndarray:
        """Render a comparison.

        Args:
            comparison: explanations of one picture, with `seconds`, `passes` and `failures` by method.

        Returns:
            (H, W, 3) uint8 ndarray, RGB.

        Raises:
            ImageError: the comparison is empty.
            ImageTypeError: what was received is not a comparison.
        """
        if not hasattr(comparison, "explanations"):
            raise ImageTypeError(
                f"The sheet shows a comparison, received {type(comparison).__name__}. Make one with "
                "visioncam.compare(model, image), or render this with 'overlay'."
            )
        tiles = self._tiles(comparison)
        cell_h = max(tile.picture.shape[0] for tile in tiles)
        cell_w = max(max(tile.picture.shape[1] for tile in tiles), 180)
        words = line_height(TITLE) + line_height(SMALL) + 8
        columns = min(self.columns, len(tiles)) or best_columns(
            len(tiles), cell_w + GAP, cell_h + words + ROW
        )
        rows = -(-len(tiles) // columns)
        head = line_height(HEAD) + line_height(SMALL) + ROW
        height = 2 * MARGIN + head + rows * (words + cell_h) + (rows - 1) * ROW
        inner = max(columns * cell_w + (columns - 1) * GAP, NARROWEST)
        page = np.full((height, inner + 2 * MARGIN, 3), 255, np.uint8)
        self._header(page, comparison, inner)
        for place, tile in enumerate(tiles):
            row, column = divmod(place, columns)
            left = MARGIN + column * (cell_w + GAP)
            top = MARGIN + head + row * (words + cell_h + ROW)
            _place(page, tile, left, top, cell_w, cell_h)
        return page

    def _tiles(self, comparison: Comparison) -> list[Tile]:
        """Return the photo's tile and one for each method, in order; those that failed last."""
        if not comparison.explanations:
            why = "; ".join(f"{name}: {why}" for name, why in comparison.failures.items())
            raise ImageError(f"Nothing to show in a sheet: no method gave a map. {why or 'None was asked.'}")
        first = comparison.explanations[0]
        box = box_of(first, self.tile)
        flat = first.heatmap.ndim == 2
        small = small_picture(first, box) if flat else np.empty(0)
        bands: Any = self.tile_options.get("bands")
        photo = fit(photo_of(resized(first, small) if flat else first, bands), box)
        layers = {e.layer.path for e in comparison.explanations}
        tiles = [Tile("Photo" if flat else "Input", _size(first), photo)]
        sized = []
        for e in comparison.explanations:
            at_size = e
            if flat:
                at_size = resized(e, small if e.picture is first.picture else small_picture(e, box))
            sized.append(at_size)
            picture = fit(at_size.render(self.renderer, **self.tile_options), box)
            notes = [_cost(comparison, e), e.layer.path if len(layers) > 1 else ""]
            tiles.append(Tile(e.method_title, " \u00b7 ".join(filter(None, notes)), picture))
        empty = np.full_like(photo, FAILED)
        tiles += [Tile(name, "failed", empty, why) for name, why in comparison.failures.items()]
        if self.agreement:
            tiles.append(agreement_tile(sized, box, bands))
        if self.correlations:
            tiles.append(correlation_tile(sized, photo.shape[:2]))
        return tiles

    def _header(self, page: np.ndarray, comparison: Comparison, inner: int) -> None:
        """Write, in place, what was explained on the left and what the colours mean on the right."""
        first = comparison.explanations[0]
        heading(page, first, MARGIN, MARGIN, inner, HEAD, SMALL)
        line = MARGIN + line_height(HEAD) + 4
        room = inner
        if (name := self._colormap()) is not None:
            table = colour_table(name, signed=first.evidence == "signed")
            room = legend(page, first, table, MARGIN, line, inner, SMALL) - MARGIN - GAP
        layers = sorted({caption.layer_name(e) for e in comparison.explanations})
        scale = " \u00b7 each map on its own scale"
        words = f"Layer {layers[0]}" if len(layers) == 1 else f"{len(layers)} layers"
        words = shorten(words, room - width_of(scale, SMALL), SMALL, keep="end") + scale
        draw(page, words, MARGIN, line, SMALL, colour=QUIET)

    def _colormap(self) -> str | None:
        """Return the colour map of the tiles; None where only the renderer knows it: then no bar is drawn."""
        if isinstance(self.renderer, str):
            ours = normalise(self.renderer) in COLOURED
            return str(self.tile_options.get("colormap", "auto")) if ours else None
        name = getattr(self.renderer, "colormap", None)
        return name if isinstance(name, str) else None


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


def _size(explanation: Explanation) -> str:
    """Return the input's size: `451 × 300` (width first) for pictures, `1,000 samples` for signals."""
    shape = explanation.heatmap.shape
    if len(shape) == 1:
        return f"{shape[0]:,} samples"
    return " \u00d7 ".join(str(length) for length in (reversed(shape) if len(shape) == 2 else shape))


def _cost(comparison: Comparison, explanation: Explanation) -> str:
    """Return what a method cost beyond the shared passes: `0.12 s · 2 more passes`, as far as it is known."""
    seconds, passes = comparison.seconds.get(explanation.method), comparison.passes.get(explanation.method)
    parts = []
    if seconds is not None:
        spent = f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
        parts.append(spent if seconds >= 0.01 else "< 0.01 s")
    if passes is not None:
        parts.append(f"{passes or 'no':{',' if passes else ''}} more pass{'' if passes == 1 else 'es'}")
    return " \u00b7 ".join(parts)
