"""Between a layer's few positions a map is drawn as a smooth curve; a frame tells what the model saw."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import pytest
from helpers.viz import explanation

from visioncam_core.images.geometry import CenterCrop, Geometry, Letterbox, Resize
from visioncam_core.images.sample import Sample
from visioncam_core.resize import STRETCHED, Placement
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import heat, smooth

SHAPE, SIZE, GRID = (210, 330), (96, 96), (6, 6)
RUNS_BACK = Placement("receptive", (88.0, 3.0), (-16.0, 17.0))
RESIZED = Geometry("x", SHAPE, SIZE, (20, 30, 180, 250), (0, 0, *SIZE), resized=(126, 144), corner=(12, 13))
GEOMETRIES: dict[str, Any] = {
    "whole": Resize()(SHAPE, SIZE),
    "crop": CenterCrop()(SHAPE, SIZE),
    "bars": Letterbox()(SHAPE, SIZE),
    "resized, then cropped": RESIZED,
}


def place_of(geometry: Geometry, placement: Placement = STRETCHED) -> dict[str, Any]:
    place = Sample((), np.zeros((*SHAPE, 3), np.uint8), geometry, "array", ()).place(GRID, placement)
    assert place is not None
    return place


def case(geometry: Geometry, placement: Placement = STRETCHED, evidence: str = "for") -> Explanation:
    """Return an explanation of a grey picture with a random map of 6 × 6."""
    raw = np.random.default_rng(0).normal(0.3, 1, GRID).astype(np.float32)
    photo = np.full((*SHAPE, 3), 99, np.uint8)
    e = explanation(photo, geometry.project(heat(raw, evidence), placement), evidence=evidence)
    return attrs.evolve(e, raw=raw, provenance=e.provenance | {"place": place_of(geometry, placement)})


@pytest.mark.parametrize("evidence", ["for", "against", "signed"])
@pytest.mark.parametrize("placement", [STRETCHED, RUNS_BACK], ids=["stretched", "runs back"])
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_positions_keep_their_values_and_creases_go(
    geometry: Geometry, placement: Placement, evidence: str
) -> None:
    e = case(geometry, placement, evidence)
    values, drawn = heat(e.raw, evidence), smooth(e)
    assert drawn.min() >= min(values.min(), 0)
    assert drawn.max() <= values.max()
    place = place_of(geometry, placement)
    ys, xs = (
        (first + step * np.arange(6)) * side - 0.5
        for (first, step), side in zip(place["axes"], SHAPE, strict=True)
    )
    top, left, bottom, right = geometry.view
    for i, y in enumerate(np.rint(ys).astype(int)):
        for j, x in enumerate(np.rint(xs).astype(int)):
            seen = (
                geometry.view[0] + 3 <= y < geometry.view[2] - 3
                and geometry.view[1] + 3 <= x < geometry.view[3] - 3
            )
            if seen and 0 < abs(values[i, j]) < 1:  # what is cut may have a crease
                assert abs(drawn[y, x] - values[i, j]) < 0.06
    unseen = np.ones(SHAPE, bool)
    unseen[top:bottom, left:right] = False
    assert not drawn[unseen].any()
    straight, curved = (
        np.abs(np.diff(one[top:bottom, left:right], 2, axis=1)).max() for one in (e.heatmap, drawn)
    )
    assert straight > 0.01
    if evidence == "signed":  # the others are cut at zero, where a crease belongs
        assert curved < straight / 2


def test_a_map_that_is_scaled_is_smoothed_and_another_one_is_drawn_as_it_is() -> None:
    e = case(GEOMETRIES["crop"])
    half = attrs.evolve(e, heatmap=e.heatmap / 2)
    np.testing.assert_allclose(smooth(half), smooth(e) / 2, atol=1e-6)
    own = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    for other in (
        attrs.evolve(e, heatmap=own),
        attrs.evolve(e, provenance={}),
        attrs.evolve(e, heatmap=0 * own),
    ):
        assert np.array_equal(smooth(other), other.heatmap)


def test_a_frame_surrounds_the_part_that_the_model_saw_and_nothing_else_is_tinted() -> None:
    e = case(GEOMETRIES["crop"])
    plain = np.asarray(e.picture)
    blank = attrs.evolve(e, heatmap=np.where(np.arange(330) == 165, 1e-3, 0) * np.ones((210, 1), np.float32))
    picture = blank.render("overlay")
    top, left, bottom, right = GEOMETRIES["crop"].view
    framed = (picture != plain).any(-1)
    assert framed[top, left:right].all()
    assert framed[top:bottom, right - 1].all()
    assert not framed[top + 2 : bottom - 2, left + 2 : right - 2].any()
    assert not framed[:top].any()
    assert not framed[:, right:].any()
    assert np.array_equal(blank.render("overlay", alpha=0.0), plain)
    whole = attrs.evolve(blank, provenance={"place": place_of(GEOMETRIES["whole"])})
    assert np.array_equal(whole.render("overlay"), plain)
