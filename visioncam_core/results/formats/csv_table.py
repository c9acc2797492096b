"""CSV: a row for each area of evidence, or for each region, for spreadsheets."""

from __future__ import annotations

import csv
import io
from typing import Literal

import attrs
import numpy as np

from visioncam_core.errors import OptionError
from visioncam_core.files import as_cell
from visioncam_core.results.accounts import NO_REGIONS
from visioncam_core.results.areas import MIN_AREA, THRESHOLD, boxes
from visioncam_core.results.data import ExplanationData

COLUMNS = (
    "image", "class_index", "class_name", "method", "layer", "threshold",
    "left", "top", "right", "bottom", "area", "score",
)  # fmt: skip
REGION_COLUMNS = ("image", "class_index", "class_name", "method", "region", "name", "pixels", "contribution")


@attrs.frozen
class Table:
    """The boxes of `e.boxes(...)` with what was explained; the header alone where there is no evidence.

    With `rows="regions"` the table of the method's regions, the largest contribution first; of the picture
    the pixels that each region has are counted.

    Text that a spreadsheet would run as a formula begins with an apostrophe.

    Attributes:
        threshold: from where on evidence counts.
        min_area: areas of fewer pixels are left out.
        rows: "areas", or "regions" of a method that has them.
    """

    threshold: float | str = THRESHOLD
    min_area: int = MIN_AREA
    rows: Literal["areas", "regions"] = "areas"

    def __call__(self, explanation: ExplanationData) -> bytes:
        """Return the file's bytes, UTF-8 with lines ended as RFC 4180 says.

        Raises:
            OptionError: there are no regions.
        """
        target, regions = explanation.target, explanation.regions
        if self.rows == "regions" and regions is None:
            raise OptionError(f"rows='regions': {NO_REGIONS.format(explanation.method)}")
        about = (
            as_cell(explanation.provenance.get("source", "array")),
            "" if target.index is None else target.index,
            as_cell(target.name or target.label),
            as_cell(explanation.method),
        )
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        if self.rows == "regions" and regions is not None:
            writer.writerow(REGION_COLUMNS)
            pixels = np.bincount(regions.labels[regions.labels >= 0], minlength=len(regions.names))
            for number, name, contribution in regions.rows():
                writer.writerow([*about, number, as_cell(name), pixels[number], contribution])
        else:
            writer.writerow(COLUMNS)
            for box in boxes(explanation.heatmap, self.threshold, min_area=self.min_area):
                layer = as_cell(explanation.layer.path)
                writer.writerow([*about, layer, self.threshold, *attrs.astuple(box)])
        return buffer.getvalue().encode("utf-8", "replace")
