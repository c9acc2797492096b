"""CSV: a row for each area of evidence, for spreadsheets."""

from __future__ import annotations

import csv
import io

import attrs

from visioncam_core.files import as_cell
from visioncam_core.results.areas import MIN_AREA, THRESHOLD, boxes
from visioncam_core.results.data import ExplanationData

COLUMNS = (
    "image", "class_index", "class_name", "method", "layer", "threshold",
    "left", "top", "right", "bottom", "area", "score",
)  # fmt: skip


@attrs.frozen
class Table:
    """The boxes of `e.boxes(...)` with what was explained; the header alone where there is no evidence.

    Text that a spreadsheet would run as a formula begins with an apostrophe.

    Attributes:
        threshold: from where on evidence counts.
        min_area: areas of fewer pixels are left out.
    """

    threshold: float | str = THRESHOLD
    min_area: int = MIN_AREA

    def __call__(self, explanation: ExplanationData) -> bytes:
        """Return the file's bytes, UTF-8 with lines ended as RFC 4180 says."""
        target = explanation.target
        about = (
            as_cell(explanation.provenance.get("source", "array")),
            "" if target.index is None else target.index,
            as_cell(target.name or target.label),
            as_cell(explanation.method),
            as_cell(explanation.layer.path),
            self.threshold,
        )
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer)
        writer.writerow(COLUMNS)
        for box in boxes(explanation.heatmap, self.threshold, min_area=self.min_area):
            writer.writerow([*about, *attrs.astuple(box)])
        return buffer.getvalue().encode("utf-8", "replace")
