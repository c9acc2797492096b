"""Pictures, signals and volumes of every type laid out for the eye; what cannot be shown is refused."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.viz import colour, explanation, gaussian, layer

from visioncam_core.errors import ImageError
from visioncam_viz.renderers.maps import Heatmap, Overlay


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (np.arange(6, dtype=np.uint8).reshape(2, 3), [[0, 0, 0], [5, 5, 5]]),
        (np.array([[0, 1000, 4000], [100, 200, 65535]], np.uint16), [[0, 0, 0], [255, 255, 255]]),
        (np.array([[-2.0, 0, 0], [0, 0, 2]], np.float32)[..., None], [[0, 0, 0], [255, 255, 255]]),
        (np.array([[-1e308, np.nan, 0], [np.inf, 0, 1e308]]), [[0, 0, 0], [255, 255, 255]]),
        (np.array([[False, True, True], [True, True, True]]), [[0, 0, 0], [255, 255, 255]]),
        (np.full((2, 3), 7.0, np.float16), [[128, 128, 128], [128, 128, 128]]),
        (np.full((2, 3, 4), (10, 20, 30, 0), np.uint8), [[255, 255, 255], [255, 255, 255]]),
        (np.arange(6 * 11.0).reshape(2, 3, 11), [[0, 0, 0], [255, 255, 255]]),
        (np.arange(6 * 11.0).reshape(2, 3, 11).transpose(2, 0, 1), [[0, 0, 0], [255, 255, 255]]),
        (np.full((2, 3, 2), (0, 9)), [[0, 255, 255], [0, 255, 255]]),
    ],
)
def test_arrays_of_every_kind_are_shown(picture: np.ndarray, expected: list[list[int]]) -> None:
    shown = Overlay(alpha=0.0)(explanation(picture, np.ones((2, 3), np.float32)))
    assert shown.shape == (2, 3, 3)
    assert [shown[0, 0].tolist(), shown[-1, -1].tolist()] == expected


def test_a_signal_is_a_line_on_its_heat() -> None:
    values = np.sin(np.linspace(0, 20, 500)).astype(np.float32)
    e = explanation(values, gaussian((500,), (400,), 20), layer=layer("conv1d", (62,)))
    picture = Overlay(alpha=1.0)(e)
    assert np.array_equal(picture[2, round(400.5 / 500 * 960)], colour("inferno", 1.0))
    assert (picture[2, :500] == 255).all(), "low evidence tints the page"
    assert (picture.min(axis=(0, 2))[:500] < 60).all(), "the line is broken"
    for bands in (np.column_stack([values] * 20), np.full((500, 2), np.nan), np.zeros((500, 1))):
        assert Heatmap()(attrs.evolve(e, picture=bands)).ndim == 3
    long = explanation(np.eye(1, 100_000, 70_000)[0], np.zeros(100_000, np.float32))
    assert Overlay()(long)[40].min() < 60, "the one peak of a long signal is lost"


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (), (2, 2, 2, 2)])
def test_a_map_that_cannot_be_shown_is_refused(shape: tuple[int, ...]) -> None:
    e = explanation(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32))
    for renderer in (Overlay(), Heatmap()):
        with pytest.raises(ImageError, match="one, two or three axes"):
            renderer(e)


def test_a_map_on_another_grid_than_the_picture_is_refused() -> None:
    e = explanation(np.zeros((5, 6, 3), np.uint8), np.zeros((6, 5), np.float32))
    with pytest.raises(ImageError, match=r"\(5, 6, 3\).*\(6, 5\)"):
        Overlay()(e)
