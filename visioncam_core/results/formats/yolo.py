"""YOLO text: a line for each area, in shares of the picture's width and height."""

from __future__ import annotations

import attrs

from visioncam_core.options.fields import option
from visioncam_core.results.areas import MIN_AREA, SIMPLIFY, THRESHOLD, boxes
from visioncam_core.results.contours import contours
from visioncam_core.results.data import ExplanationData


@attrs.frozen
class Yolo:
    """`class x y width height` a line, x and y of the centre; or `class x1 y1 x2 y2 ...` for outlines.

    Attributes:
        threshold: from where on evidence counts.
        min_area: areas of fewer pixels are left out.
        polygons: write outlines, as for segmentation; holes cannot be written.
        simplify: pixels by which an outline may leave the true one.
        scores: end each line with the share of the map's evidence in the area.
    """

    threshold: float | str = THRESHOLD
    min_area: int = MIN_AREA
    polygons: bool = option(False, help="write outlines instead of boxes")
    simplify: float = SIMPLIFY
    scores: bool = option(False, help="end each line with the area's share of the evidence")

    def __call__(self, explanation: ExplanationData) -> bytes:
        """Return the file's bytes; no line where there is no evidence."""
        heat = explanation.heatmap
        areas = contours(heat, self.threshold, min_area=self.min_area, simplify=self.simplify)
        around = boxes(heat, self.threshold, min_area=self.min_area)
        height, width = heat.shape
        lines = []
        for box, area in zip(around, areas, strict=True):
            centre = (box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height
            numbers = [*centre, box.width / width, box.height / height]
            if self.polygons:
                numbers = [float(n) for n in (area.points / (width, height)).ravel()]
            if self.scores:
                numbers.append(box.score)
            lines.append(" ".join([str(explanation.target.index or 0), *(f"{n:.6f}" for n in numbers)]))
        return "".join(f"{line}\n" for line in lines).encode("ascii")
