"""Metrics of places: pixels of the picture however it is fitted, and what a map that knows nothing gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers import numpy_engine
from helpers.metrics import case_of

import visioncam
from visioncam.evaluation.truth import marks, on_input
from visioncam_core.errors import ImageError
from visioncam_core.images.geometry import CenterCrop, Letterbox, Resize, fit
from visioncam_core.images.sample import Sample
from visioncam_core.metrics.measure import judge
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.registry import Registry
from visioncam_metrics.localisation.iou import IoU
from visioncam_metrics.localisation.maxboxacc import MaxBoxAcc
from visioncam_metrics.localisation.pointing import EnergyPointingGame, PointingGame

SIZE = (24, 24)


def seen(picture: np.ndarray, box: Any, geometry: Any, at: tuple[int, int]) -> Any:
    """Return the case of a picture whose map's strongest pixel is `at`, on the input."""
    values, way = fit(picture, SIZE, geometry)
    sample = Sample((values[None],), picture, way, "a picture", ())
    truth, boxes = on_input(box, sample, SIZE)
    heat = np.full(SIZE, 0.1)
    heat[at] = 1
    return case_of(values, heat, truth=truth, boxes=boxes, pixel=way.pixel)


@pytest.mark.parametrize(
    "geometry", [Resize(), CenterCrop(0.8), Letterbox()], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("tolerance", [0, 5, 9])
def test_an_enlarged_picture_with_as_much_more_tolerance_gets_the_same(
    geometry: Any, tolerance: float
) -> None:
    small, large = np.zeros((60, 90, 3), np.uint8), np.zeros((120, 180, 3), np.uint8)
    box = (30, 20, 50, 40)
    for at in [(2, 2), (10, 16), (20, 12), (12, 12)]:
        one = PointingGame(tolerance=tolerance)(seen(small, box, geometry, at))
        two = PointingGame(tolerance=2 * tolerance)(seen(large, tuple(2 * n for n in box), geometry, at))
        assert (one.value, one.uniform) == (two.value, two.uniform)
    wider = PointingGame(tolerance=tolerance + 4)(seen(small, box, geometry, (2, 2))).uniform
    assert wider > one.uniform, "the share that the tolerance covers"


def test_tolerance_is_measured_along_each_axis_of_the_picture() -> None:
    picture = np.zeros((24, 240, 3), np.uint8)  # a pixel of the input is one high and ten wide
    box = (100, 10, 140, 14)
    beside, below = (seen(picture, box, Resize(), at) for at in ((12, 15), (16, 12)))
    assert beside.pixel == (1, 10)
    assert PointingGame(tolerance=4)(beside).value == 0, "twenty pixels to the right"
    assert PointingGame(tolerance=4)(below).value == 1, "three pixels below"
    assert PointingGame(tolerance=20)(beside).value == 1


def test_pixels_of_a_crop_that_was_resized_first() -> None:
    _, way = fit(np.zeros((60, 90, 3), np.uint8), SIZE, CenterCrop(0.8))
    assert way.pixel == (48 / 24, 48 / 24)
    _, way = fit(np.zeros((60, 90, 3), np.uint8), SIZE, Letterbox())
    assert way.pixel == pytest.approx((60 / 16, 90 / 24))


def test_a_uniform_map_gets_what_stands_beside() -> None:
    truth = np.zeros(SIZE, bool)
    truth[4:10, 6:16] = True
    case = case_of(np.zeros(SIZE), np.ones(SIZE), truth=truth)
    for metric in (
        EnergyPointingGame(),
        IoU(),
        IoU(threshold="p90"),
        MaxBoxAcc(),
        MaxBoxAcc(delta=(0.1, 0.5)),
    ):
        found = metric(case)
        assert found.uniform == pytest.approx(found.value), metric
    assert EnergyPointingGame()(case).uniform == IoU()(case).uniform == pytest.approx(60 / 576)
    assert MaxBoxAcc(delta=(0.1, 0.5))(case).uniform == 0.5, "found at .1 (its share is .104), not at .5"
    every = [PointingGame(tolerance=2)(seen_at(truth, at)).value for at in np.ndindex(*SIZE)]
    assert PointingGame(tolerance=2)(seen_at(truth, (0, 0))).uniform == pytest.approx(np.mean(every))


def seen_at(truth: np.ndarray, at: tuple[int, ...]) -> Any:
    heat = np.full(truth.shape, 0.1)
    heat[at] = 1
    return case_of(np.zeros(truth.shape), heat, truth=truth)


def test_a_centred_map_points_at_the_middle() -> None:
    middle = np.zeros(SIZE, bool)
    middle[10:14, 10:14] = True
    assert PointingGame(tolerance=0)(seen_at(middle, (12, 12))).value == 1


def test_an_evaluation_says_what_chance_gets_and_takes_the_pictures_pixels(rng: np.random.Generator) -> None:
    small = rng.integers(0, 255, (32, 48, 3)).astype(np.uint8)
    large = small.repeat(2, 0).repeat(2, 1)
    with use_registry(Registry(BUILTINS)):
        visioncam.load_plugin(numpy_engine.__file__)
        model = numpy_engine.TwoLayers()

        def measured(picture: np.ndarray, box: Any, tolerance: float) -> Any:
            metrics = [PointingGame(tolerance=tolerance), "energypointinggame", "iou", "maxboxacc"]
            return visioncam.evaluate(
                model, [picture], "hirescam", metrics=metrics, truth=[box], steps=2, seeds=1, cascade=1
            )

        one = measured(small, (8, 8, 24, 24), 4)
        two = measured(large, (16, 16, 48, 48), 8)
    for a, b in zip(one.records(), two.records(), strict=True):
        if a["kind"] == "control" and a["method"] != "sobel":
            assert a["values"] == b["values"], a["metric"]
        assert a["uniform"] == pytest.approx(b["uniform"])
    assert one.result("hirescam", "energypointinggame").uniform == pytest.approx(256 / (32 * 48), abs=0.02)
    legend = str(one).partition("by chance")[2]
    assert "anywhere gets pointinggame" in legend
    assert "maxboxacc 0.000" in legend


def test_marks_that_mark_nothing_are_told() -> None:
    picture = np.zeros((60, 90, 3), np.uint8)
    with pytest.raises(ImageError, match=r"marks no object on any picture.*truth=None"):
        marks([None, None], 2)
    with pytest.raises(ImageError, match=r"covers no pixel of the picture 'a picture'.*not fractions"):
        seen(picture, (0.2, 0.2, 0.4, 0.4), Resize(), (0, 0))
    for wrong in ((30, 20, 95, 40), (float("nan"), 0, 5, 5), (40, 20, 30, 40)):
        with pytest.raises(ImageError, match="not inside the picture"):
            seen(picture, wrong, Resize(), (0, 0))
    with pytest.raises(ImageError, match=r"must be a mask of its \(60, 90\) pixels"):
        seen(picture, np.ones((90, 60), bool), Resize(), (0, 0))
    outside = seen(picture, (0, 0, 5, 60), CenterCrop(0.8), (0, 0))
    assert judge(PointingGame(), outside).flag == "no object is marked on what the model sees"
