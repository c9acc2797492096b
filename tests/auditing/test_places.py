"""Where evidence lies, and that planted tags are found and chance is not; on maps alone, without a model."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.auditing import COUNTS, KINDS, PLANTED, SHARES, alarms, blob, folder, found, is_found, planted

from visioncam.auditing.places import BOXES, INNER, PLACES, SIDE, apart, cells, mirrored, on, summed
from visioncam.auditing.stand_out import Table, judged, needed, stand_out


def test_sums_are_kept_and_a_uniform_map_has_what_each_place_covers() -> None:
    rng = np.random.default_rng(0)
    maps = rng.random((3, 37, 91))
    assert summed(maps).sum(axis=(1, 2)) == pytest.approx(maps.sum(axis=(1, 2)))
    table = Table.of(np.ones((1, 37, 91)))
    assert table.shares == pytest.approx(table.even)
    assert table.even[0, PLACES.index("lower left corner")] == pytest.approx(1 / 16)
    assert table.even[0, PLACES.index("left edge")] == pytest.approx(1 / 10)
    heat = np.zeros((1, 20, 40))
    heat[0, 0, 39], heat[0, 10, 20] = 3, 1
    mine = dict(zip(PLACES, Table.of(heat).shares[0], strict=True))
    assert mine["upper right corner"] == mine["top edge"] == mine["border"] == pytest.approx(0.75)
    assert mine["middle"] == pytest.approx(0.25)


def test_places_cover_the_picture_and_have_another_side() -> None:
    assert np.logical_or.reduce([cells(name) for name in PLACES if name != "border"]).all()
    assert mirrored("upper left corner") == "upper right corner"
    assert mirrored("bottom, left of middle") == "bottom, right of middle"
    assert [name for name in INNER if mirrored(name) == name] == ["above middle", "middle", "below middle"]
    assert all(mirrored(mirrored(name)) == name for name in PLACES)
    assert apart("upper left corner", "lower left corner")
    assert not apart("upper left corner", "left, above middle")
    assert on("top edge", (10, 7))[:1].all()
    assert not on("top edge", (10, 7))[1:].any()
    assert all(bottom <= SIDE and right <= SIDE for _, _, bottom, right in BOXES.values())


def test_how_many_pictures_are_needed_follows_from_the_test() -> None:
    assert (needed(1), needed(2), needed(10)) == (5, 6, 8)
    assert judged(["a"] * 6 + ["b"] * 5) == (["a"], 6)
    assert judged(["a"] * 4) == ([], 5)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("place", PLANTED)
def test_planted_tags_are_found(place: str, count: int) -> None:
    for share in SHARES:
        assert is_found(place, share, count) == (True, 0)


def test_chance_objects_and_the_architecture_are_no_finding() -> None:
    counts = alarms(12)
    assert sum(counts.values()) <= 3, counts
    assert all(counts[kind] == 0 for kind in KINDS if kind != "low and moving"), counts


def test_what_the_randomised_model_has_too_is_the_architecture() -> None:
    maps, names, random = planted(np.random.default_rng(1), "upper left corner", 0.3, [12])
    assert [one.place for one in found((maps, names, random))] == ["upper left corner"]
    same = np.array([0.7 * one + 0.3 * blob(0.12, 0.12, 0.06, 0.06) for one in random])
    assert not found((maps, names, same))
    assert [one.place for one in stand_out(maps, names) if one.found] == ["upper left corner"]


def test_nothing_below_one_and_a_half_is_a_finding() -> None:
    maps, names, random = planted(np.random.default_rng(1), "top edge", 0.3, [40])
    assert {one.place for one in found((maps, names, random))} == {"top edge"}
    flat = np.full_like(maps, 1 / maps[0].size)
    assert not found((0.8 * flat + 0.2 * maps, names, random))


def test_blank_maps_do_not_count_and_a_frame_is_one_finding() -> None:
    maps, names, random = folder(np.random.default_rng(2), "centred", [12])
    frame = np.ones_like(maps[0])
    frame[3:-3, 3:-3] = 0
    framed = 0.3 * maps + 0.7 * frame / frame.sum()
    framed[:3] = 0
    (one,) = found((framed, names, random))
    assert (one.place, one.share.count) == ("border", 9)
