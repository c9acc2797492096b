"""`Box`: one class for every box that goes in or out, with its edges by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam_core.cases
from visioncam.evaluation.truth import regions
from visioncam.geometry import Box
from visioncam_core.errors import OptionTypeError
from visioncam_core.images.box import Box as Inner
from visioncam_core.results.areas import AreaBox, boxes


def test_it_is_one_class_under_every_name() -> None:
    assert Box is Inner is visioncam_core.cases.Box
    assert issubclass(AreaBox, Box)
    heat = np.zeros((8, 9), np.float32)
    heat[2:5, 3:7] = 1
    (found,) = boxes(heat)
    assert isinstance(found, Box)
    assert (found.left, found.top, found.right, found.bottom) == (3, 2, 7, 5)
    assert (found.width, found.height) == (4, 3)
    assert found.iou(Box(left=3, top=2, right=7, bottom=5)) == 1


def test_edges_have_names_and_are_numbers() -> None:
    with pytest.raises(TypeError):
        Box(0, 0, 1, 1)  # type: ignore[call-arg, misc]
    for wrong in ("1", None, True, (1,)):
        with pytest.raises(OptionTypeError, match="top of a Box must be a number"):
            Box(left=0, top=wrong, right=1, bottom=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("several", [False, True])
def test_truth_is_a_box_or_its_four_numbers(several: bool) -> None:
    """A picture's truth may be a `Box`, or (left, top, right, bottom)."""
    box: Any = Box(left=1, top=2, right=4, bottom=3)
    numbers: Any = (1, 2, 4, 3)
    (one,), (other,) = (regions([mark] if several else mark, (5, 6), "x.png") for mark in (box, numbers))
    np.testing.assert_array_equal(one, other)
    assert one.sum() == 3
    assert one[2, 1:4].all()
