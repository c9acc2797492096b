"""Isolines by their pixels."""

from __future__ import annotations

import numpy as np
import pytest
from example_plugins.isolines import AGAINST, FOR, Isolines

from visioncam_core.errors import ImageError
from visioncam_core.testing import make_explanation

GREY = np.full((40, 60, 3), 128, np.uint8)
RAMP = np.repeat(np.linspace(0, 1, 60, dtype=np.float32)[None], 40, axis=0)


def drawn(picture: np.ndarray) -> list[int]:
    """Return the columns in which something was drawn, away from the picture's edge."""
    return sorted(set(np.nonzero((picture[5:-5, :-2] != 128).any(axis=-1))[1].tolist()))


@pytest.mark.parametrize("levels", [1, 3, 5])
def test_lines_lie_at_equal_steps(levels: int) -> None:
    picture = Isolines(levels=levels)(make_explanation(RAMP, GREY))
    wanted = [int(np.argmax(RAMP[0] >= level / (levels + 1))) for level in range(1, levels + 1)]
    assert drawn(picture) == wanted


def test_strong_evidence_has_a_strong_colour() -> None:
    picture = Isolines(levels=1, thickness=1)(make_explanation(RAMP, GREY))
    np.testing.assert_allclose(picture[20, drawn(picture)[0]], np.mean(FOR, axis=0), atol=1)


def test_what_speaks_against_is_blue() -> None:
    picture = Isolines(levels=1, thickness=1)(make_explanation(-RAMP, GREY, evidence="signed"))
    np.testing.assert_allclose(picture[20, drawn(picture)[0]], np.mean(AGAINST, axis=0), atol=1)


def test_a_blank_map_leaves_the_photo() -> None:
    np.testing.assert_array_equal(Isolines()(make_explanation(np.zeros((40, 60)), GREY)), GREY)


def test_signals_are_refused_in_words() -> None:
    with pytest.raises(ImageError, match=r"this one has shape \(50,\); use the renderer 'overlay'"):
        Isolines()(make_explanation(np.zeros(50)))
