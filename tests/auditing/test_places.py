"""Where evidence lies, and that planted tags are found and chance is not; on maps alone, without a model."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.auditing import (
    COUNTS,
    KINDS,
    PLANTED,
    SHARES,
    alarms,
    blob,
    folder,
    found,
    is_found,
    noise,
    planted,
)

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


def still(count: int, *parts: tuple[float, float, float, float]) -> np.ndarray:
    """Return maps of blobs that hardly move, half of each map smooth noise."""
    rng = np.random.default_rng(3)
    maps = []
    for _ in range(count):
        moved = [blob(y + rng.normal(0, 0.01), x + rng.normal(0, 0.01), h, w) for y, x, h, w in parts]
        maps.append(0.7 * np.mean(moved, axis=0) + 0.3 * noise(rng))
    return np.array(maps)


def places_of(maps: np.ndarray) -> list[str]:
    return [one.place for one in stand_out(maps, ["a"] * len(maps)) if one.found]


def test_the_slope_of_a_large_object_is_no_place_of_its_own() -> None:
    assert places_of(still(12, (0.3, 0.5, 0.2, 0.2))) == []
    assert places_of(still(12, (0.1, 0.5, 0.05, 0.05))) == ["top middle"]


def test_what_half_of_the_pictures_have_does_not_go_along_with_a_class() -> None:
    maps = still(40, (0.5, 0.5, 0.1, 0.1))
    for share, places in ((0.5, []), (0.8, ["lower left corner"])):
        some = maps.copy()
        some[: round(share * 40)] = 0.5 * some[: round(share * 40)] + 0.5 * blob(0.88, 0.12, 0.05, 0.05)
        assert places_of(some) == places


def test_a_place_inside_is_held_against_the_other_side() -> None:
    assert places_of(still(12, (0.5, 0.3, 0.06, 0.06), (0.5, 0.7, 0.06, 0.06))) == []
    assert places_of(still(12, (0.5, 0.3, 0.06, 0.06))) == ["left of middle"]
    assert places_of(still(12, (0.5, 0.5, 0.06, 0.06))) == []


def test_chance_is_counted_over_classes() -> None:
    maps = still(8, (0.1, 0.5, 0.05, 0.05))
    alone = {one.place: one.chance for one in stand_out(maps, ["a"] * 8)}
    both = stand_out(np.concatenate([maps, maps]), ["a"] * 8 + ["b"] * 8)
    assert both[PLACES.index("top middle")].chance == pytest.approx(2 * alone["top middle"])
