"""Flat views of a volume or a video: slices, three planes, projections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.options import in_range, option
from visioncam_viz.drawing.colour import ColourMap
from visioncam_viz.drawing.options import ALPHA, AXIS, BANDS, COLORBAR, COLORMAP, MIN_SIZE, TITLE
from visioncam_viz.drawing.present import present_map
from visioncam_viz.drawing.volume import Board, planes, projections, strip

if TYPE_CHECKING:
    from visioncam_core.results.explanation import Explanation


@attrs.frozen
class _Volume:
    def __call__(self, explanation: Explanation) -> np.ndarray:
        """Render an explanation of a volume or video, (H, W, 3) uint8 RGB.

        Raises:
            ImageError: the explanation is of something else.
            OptionError: a position outside the volume, or a band that it does not have.
        """
        return present_map(explanation, self, cut=self._cut)

    def _cut(self, explanation: Explanation) -> Board:
        raise NotImplementedError


@attrs.frozen
class Slices(_Volume):
    """Slices spread evenly over an axis, all on one contrast and one scale of evidence.

    Attributes:
        count: how many slices at most; first and last are among them.
        axis: 0, 1 or 2: the axis to cut across; a video's time is 0.
        columns: slices a row; 0 makes the grid about square.
        tile: pixels of a slice's longer side.
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        by_value: let low evidence tint less; switch it off with alpha 1 for the map alone.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        bands: bands shown as red, green and blue.
    """

    count: int = option(12, help="how many slices at most", validator=in_range(1, 400))
    axis: int = AXIS
    columns: int = option(0, help="slices per row; 0 for automatic", validator=in_range(0, 400))
    tile: int = option(200, help="longer side of a slice", unit="pixels", validator=in_range(16, 2048))
    colormap: ColourMap = COLORMAP
    alpha: float = ALPHA
    by_value: bool = option(True, help="let low evidence tint the photo less")
    colorbar: bool = COLORBAR
    title: bool = TITLE
    bands: tuple[int, int, int] | None = BANDS

    def _cut(self, explanation: Explanation) -> Board:
        return strip(explanation, self.axis, self.count, self.tile, self.columns)


@attrs.frozen
class Planes(_Volume):
    """The planes that meet where the evidence is strongest, or at a place of your own.

    Attributes:
        at: the (depth, height, width) position, counted from 0, or None for the strongest evidence.
        crosshair: draw where the other two planes cross.
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the volume's longest side shall have at least.
        bands: bands shown as red, green and blue.
    """

    at: tuple[int, int, int] | None = option(None, help="where they meet; the strongest evidence by default")
    crosshair: bool = option(True, help="draw where the other two planes cross")
    colormap: ColourMap = COLORMAP
    alpha: float = ALPHA
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def _cut(self, explanation: Explanation) -> Board:
        return planes(explanation, self.at, crosshair=self.crosshair)


@attrs.frozen
class Projection(_Volume):
    """Maximum projections: one along each axis, or along a single one.

    Attributes:
        axis: 0, 1 or 2: the axis to look along; None shows all three.
        colormap: a matplotlib colour map, or its name; "auto" is inferno, or RdBu_r for signed maps.
        alpha: opacity of the colours, 0 to 1.
        colorbar: draw the scale below.
        title: write class, probability, method and layer above.
        min_size: pixels that the volume's longest side shall have at least.
        bands: bands shown as red, green and blue.
    """

    axis: int | None = option(None, help="axis to look along; all three by default", choices=(None, 0, 1, 2))
    colormap: ColourMap = COLORMAP
    alpha: float = ALPHA
    colorbar: bool = COLORBAR
    title: bool = TITLE
    min_size: int = MIN_SIZE
    bands: tuple[int, int, int] | None = BANDS

    def _cut(self, explanation: Explanation) -> Board:
        return projections(explanation, self.axis)
