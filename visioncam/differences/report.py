"""What changed as an HTML page: the verdict, the classes, and the pictures that moved most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from visioncam.html_report.page import Fact, Page
from visioncam.html_report.sections import Picture, Section, Table
from visioncam_core.files import without_folders
from visioncam_core.results.explanation import Explanation
from visioncam_viz.drawing.grid import grid
from visioncam_viz.drawing.present import photo_of

SIDE = 288  # pixels of the longer side of a picture on a strip
Rows = tuple[Sequence[str], Sequence[Sequence[str]]]


def strip(old: Explanation, new: Explanation) -> np.ndarray:
    """Return the picture, the old map on it and the new map on it, side by side, (H, W, 3) uint8."""
    shown = [photo_of(old), *(one.render("overlay", min_size=SIDE) for one in (old, new))]
    return grid([_fitted(pixels) for pixels in shown], ["picture", "old model", "new model"], 3)


def _fitted(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    height, width = pixels.shape[:2]
    size = max(round(width * SIDE / max(height, width)), 1), max(round(height * SIDE / max(height, width)), 1)
    how = Image.Resampling.BOX if max(height, width) > SIDE else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(pixels).resize(size, how))


def page(
    verdict: Sequence[str],
    notes: Sequence[str],
    classes: Rows,
    pictures: Rows,
    shown: Sequence[tuple[str, np.ndarray]],
    facts: Mapping[str, str],
) -> str:
    """Return the page as text.

    Args:
        verdict: what changed, a sentence each.
        notes: what to be careful about.
        classes: header and rows, a class each.
        pictures: header and rows, a picture each.
        shown: caption and strip of the pictures that moved most.
        facts: where it comes from.
    """
    most = [Picture(pixels, f"the picture and both maps: {words}", words) for words, pixels in shown]
    sections = [
        Section("What changed", "\n".join(verdict), [Table(*classes, "by the old model's answer")]),
        Section(
            "The pictures that moved most", "Each map is on its own scale, and both are of one class.", most
        ),
        Section("Every picture", "", [Table(*pictures, "those that moved most first")]),
    ]
    if notes:
        sections.insert(1, Section("To be careful about", "\n".join(map(without_folders, notes))))
    known = [Fact(name, without_folders(value)) for name, value in facts.items() if value]
    return Page("What changed between two models", (), {}, known, sections).html()
