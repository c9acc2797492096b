"""Lines and words where there is little room."""

from __future__ import annotations

import numpy as np
from helpers.viz import explanation, gaussian

from visioncam_viz.drawing import text
from visioncam_viz.drawing.caption import measure
from visioncam_viz.drawing.colour import colour_table
from visioncam_viz.drawing.panel import NARROWEST, legend
from visioncam_viz.renderers.boxes import Boxes
from visioncam_viz.renderers.contour import Contour


def test_lines_on_a_small_picture_leave_what_they_surround() -> None:
    photo, heat = np.full((28, 28, 3), 90, np.uint8), gaussian((28, 28), (12, 16), 4)
    boxed = Boxes(overlay=False)(explanation(photo, heat))
    rows, columns = (np.flatnonzero((boxed != 90).any(axis=-1).any(axis=axis)) for axis in (1, 0))
    assert (boxed[rows[0] + 1 : rows[-1], columns[0] + 1 : columns[-1]] == 90).all()
    lined = Contour()(explanation(photo, heat))
    assert np.array_equal(lined[12, 16], photo[12, 16])  # within the innermost
    assert np.array_equal(lined[12, :8], photo[12, :8])  # the outermost line is 8.8 pixels from the left


def test_the_narrowest_legend_says_all_that_a_signed_map_measures() -> None:
    page = np.full((30, NARROWEST, 3), 255, np.uint8)
    signed = explanation(np.zeros((4, 4, 3), np.uint8), np.eye(4, dtype=np.float32), evidence="signed")
    left = legend(page, signed, colour_table("RdBu_r"), 0, 0, NARROWEST, 13)
    words = text.mask(measure(signed), 13)
    drawn = page[: words.shape[0], left : left + words.shape[1]].min(axis=-1) < 200
    assert left >= 0
    assert np.mean(drawn == (words > 0.35)) > 0.97
