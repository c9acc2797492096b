"""Hidden pictures that a user passes: pixels are preprocessed like the picture, model input is not."""

from __future__ import annotations

import numpy as np
import pytest

from visioncam_core.errors import OptionError
from visioncam_core.pipeline.hidden import Absent

PICTURE = np.zeros((1, 4, 5, 3), np.float32)
WHITE = np.full((4, 5, 3), 255, np.uint8)


def test_uint8_are_pixels_and_floats_are_model_input() -> None:
    absent = Absent(PICTURE, lambda pixels: pixels / 127.5 - 1, 0)
    for kind in (WHITE, WHITE[None], "white"):
        np.testing.assert_array_equal(absent.hidden(kind)[0], np.ones_like(PICTURE))
    np.testing.assert_array_equal(absent.hidden(WHITE.astype(float))[0], np.full_like(PICTURE, 255))


def test_pixels_are_refused_where_nobody_says_how_they_become_input() -> None:
    with pytest.raises(
        OptionError, match=r"uint8, that is, pixels.*pass preprocess= with a picture, or a float"
    ):
        Absent(PICTURE, None, 0).hidden(WHITE)
