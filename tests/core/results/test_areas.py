"""Areas of evidence: thresholds, boxes and outlines, exact to the pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from helpers.viz import explanation, gaussian

from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.results.areas import AreaBox, boxes, level, mask
from visioncam_core.results.contours import contours


def enclosed(ring: np.ndarray) -> float:
    """Return a ring's area by the shoelace formula; above 0 when it runs clockwise on the screen."""
    x, y = ring.astype(float).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def two_spots() -> np.ndarray:
    """Return a (20, 30) map: 12 pixels of 1.0, and 6 of 0.5 that touch them nowhere."""
    heat = np.zeros((20, 30), np.float32)
    heat[2:5, 4:8] = 1.0
    heat[10:12, 20:23] = 0.5
    return heat


def test_a_share_of_the_maximum_is_of_this_maps_maximum() -> None:
    heat = two_spots() * 0.4
    assert level(heat, 0.5) == pytest.approx(0.2)
    assert mask(heat, 0.5).sum() == 18
    assert mask(heat, 0.51).sum() == 12
    assert mask(heat, 1).sum() == 12
    assert np.array_equal(mask(heat, 0), heat > 0), "what has no evidence counts"


@pytest.mark.parametrize("percent", [0, 50, 90, 95, 99.5, 100])
def test_a_percentile_keeps_so_many_pixels(percent: float, rng: np.random.Generator) -> None:
    heat = rng.permutation(10_000).reshape(100, 100).astype(np.float32) + 1
    assert mask(heat, f"p{percent}").sum() == max(round(10_000 * (100 - percent) / 100), 1)


def test_a_percentile_never_reaches_what_has_no_evidence() -> None:
    assert np.array_equal(mask(two_spots(), "p10"), two_spots() > 0)


def test_otsu_agrees_with_opencv(rng: np.random.Generator) -> None:
    import cv2

    for _ in range(5):
        low, high = rng.normal(0.2, 0.06, 3000), rng.normal(0.7, 0.1, 900)
        values = np.clip(np.concatenate([low, high]), 0, 1).reshape(60, 65)
        values[0, 0] = 1
        levels = np.minimum(values * 256, 255).astype(np.uint8)
        cut, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
        assert np.array_equal(mask(values, "otsu"), levels > cut)


def test_degenerate_maps_give_a_sensible_threshold() -> None:
    flat = np.full((5, 6), 0.3, np.float32)
    blank = np.zeros((5, 6), np.float32)
    for threshold in (0, 0.2, 1, "otsu", "p0", "p95", "p100"):
        assert mask(flat, threshold).all(), f"{threshold}: all of a flat map is as strong as its maximum"
        assert not mask(blank, threshold).any()
        assert boxes(blank, threshold) == contours(blank, threshold) == ()
        assert math.isinf(level(blank, threshold))
    assert mask(np.linspace(0.999, 1, 30).reshape(5, 6), "otsu").all(), "one group is torn apart"
    assert not mask(np.zeros((0, 3)), 0.2).any()
    broken = np.array([[np.nan, np.inf, -np.inf, 0.5]])
    assert mask(broken, "p0").tolist() == [[False, False, False, True]]
    assert boxes(broken, 0.2) == (AreaBox(left=3, top=0, right=4, bottom=1, area=1, score=1.0),)


@pytest.mark.parametrize(
    ("threshold", "error", "words"),
    [
        (1.5, OptionError, r"1\.5 is not a share"),
        (-0.1, OptionError, r"-0\.1"),
        (float("nan"), OptionError, "nan"),
        ("p101", OptionError, "'p101'.*'p95'"),
        ("otsuu", OptionError, "'otsuu'.*'otsu'"),
        ("", OptionError, "''"),
        ("95", OptionError, "'95'"),
        (True, OptionTypeError, "True"),
        (None, OptionTypeError, "None"),
        ([0.2], OptionTypeError, r"\[0\.2\]"),
    ],
)
def test_a_threshold_that_is_none_is_refused(threshold: object, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        mask(two_spots(), threshold)  # type: ignore[arg-type]


def test_boxes_lie_around_the_areas_and_say_their_share_of_the_evidence() -> None:
    assert boxes(two_spots(), 0.2) == (
        AreaBox(left=4, top=2, right=8, bottom=5, area=12, score=pytest.approx(12 / 15)),
        AreaBox(left=20, top=10, right=23, bottom=12, area=6, score=pytest.approx(3 / 15)),
    )
    assert (boxes(two_spots(), 0.2)[0].width, boxes(two_spots(), 0.2)[0].height) == (4, 3)
    assert len(boxes(two_spots(), 0.2, min_area=7)) == 1
    assert len(boxes(two_spots(), 0.6)) == 1


def test_the_largest_share_comes_first_not_the_highest_peak() -> None:
    heat = np.zeros((20, 30), np.float32)
    heat[1, 1] = 1.0
    heat[5:15, 5:15] = 0.8
    assert [box.area for box in boxes(heat, 0.2)] == [100, 1]


def test_evidence_against_has_areas_of_its_own_with_scores_below_zero() -> None:
    heat = np.zeros((10, 10), np.float32)
    heat[2:5, 2:4], heat[2:5, 4:8] = 1.0, -0.5
    found = boxes(heat, 0.2)
    assert [(box.left, box.right, box.score) for box in found] == [(2, 4, 0.5), (4, 8, -0.5)]
    assert [outline.score for outline in contours(heat, 0.2)] == [0.5, -0.5]


@pytest.mark.parametrize("shape", [(31, 41), (1, 60), (60, 1), (2, 2), (1, 1)])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 1.0])
def test_outlines_enclose_their_pixels_exactly(
    shape: tuple[int, int], share: float, rng: np.random.Generator
) -> None:
    heat = (rng.random(shape) < share).astype(np.float32)
    found, around = contours(heat, 0.5), boxes(heat, 0.5)
    assert sum(outline.area for outline in found) == heat.sum()
    for outline, box in zip(found, around, strict=True):
        assert outline.area == box.area
        assert enclosed(outline.points) + sum(map(enclosed, outline.holes)) == outline.area
        assert enclosed(outline.points) > 0
        assert all(enclosed(hole) < 0 for hole in outline.holes)
        assert outline.points.min(axis=0).tolist() == [box.left, box.top]
        assert outline.points.max(axis=0).tolist() == [box.right, box.bottom]


def test_straight_edges_have_no_points_between() -> None:
    (square,) = contours(np.pad(np.ones((3, 5), np.float32), 2), 0.5)
    assert sorted(map(tuple, square.points.tolist())) == [(2, 2), (2, 5), (7, 2), (7, 5)]
    assert square.holes == ()


def test_simplified_outlines_have_fewer_points_and_stay_near() -> None:
    heat = gaussian((80, 80), (40, 40), 20)
    (exact,), (rough,) = contours(heat, 0.5), contours(heat, 0.5, simplify=2)
    assert 3 <= len(rough.points) < len(exact.points) / 4
    assert enclosed(rough.points) == pytest.approx(exact.area, rel=0.1)
    assert rough.area == exact.area
    assert len(contours(two_spots(), 0.5, simplify=1000)[0].points) >= 3


@pytest.mark.parametrize("shape", [(20,), (4, 5, 6)])
def test_boxes_of_what_is_no_picture_are_refused_and_masks_are_not(shape: tuple[int, ...]) -> None:
    e = explanation(np.zeros(shape), np.ones(shape, np.float32))
    for ask in (e.boxes, e.contours):
        with pytest.raises(ImageError, match=r"two axes.*mask\(\)"):
            ask()
    assert e.mask().shape == shape


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "3"])
def test_a_smallest_area_that_is_none_is_refused(bad: object) -> None:
    with pytest.raises(OptionError, match=f"min_area.*{bad!r}"):
        boxes(two_spots(), min_area=bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [-1, float("nan"), True, "1"])
def test_a_tolerance_that_is_none_is_refused(bad: object) -> None:
    with pytest.raises(OptionError, match="simplify"):
        contours(two_spots(), simplify=bad)  # type: ignore[arg-type]


def test_the_explanation_answers_itself() -> None:
    e = explanation(np.zeros((20, 30, 3), np.uint8), two_spots())
    assert np.array_equal(e.mask("p98"), mask(two_spots(), "p98"))
    assert e.boxes(0.6) == boxes(two_spots(), 0.6)
    assert e.contours(0.6)[0].area == 12
    assert "points" in repr(e.contours()[0])


def test_nothing_given_is_changed() -> None:
    heat = two_spots()
    heat.setflags(write=False)
    before = heat.copy()
    for threshold in (0.2, "otsu", "p90"):
        contours(heat, threshold)
    assert np.array_equal(heat, before)
