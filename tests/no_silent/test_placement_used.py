"""`placement=` reaches everything that draws, measures and keeps a map, and leaves the raw map alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import keras
import numpy as np
import pytest
from helpers.networks.dots import centroid, conv, network

import visioncam
from visioncam_core.errors import OptionError
from visioncam_core.pipeline.fusion import fuse
from visioncam_core.resize import PLACEMENTS, STRETCHED, Placement, resize
from visioncam_core.results.agreement import correlations

SIZE = (44, 52)
DOT = (9, 12)


def valid(rank: int = 2) -> Any:
    """Return eight 3x3 convolutions without padding: their outermost positions look eight pixels in."""
    size = (52,) if rank == 1 else SIZE if rank == 2 else (20, 22, 24)
    layers = [conv(3, rank=rank, name=f"c{i}") for i in range(8)]
    for layer in layers:
        layer.kernel_initializer = keras.initializers.Constant(3.0**-rank)
    return network(size, layers)


@pytest.fixture(scope="module")
def model() -> Any:
    return valid()


def picture(dot: tuple[int, ...] = DOT, size: tuple[int, ...] = SIZE) -> np.ndarray:
    x = np.zeros((*size, 1), np.float32)
    x[dot] = 1.0
    return x


def far(heat: np.ndarray, dot: tuple[int, ...] = DOT) -> float:
    """Return how far a map's strongest pixel lies from the dot, along the worst axis."""
    at = np.unravel_index(np.asarray(heat).argmax(), np.shape(heat))
    return float(max(abs(a - b) for a, b in zip(at, dot, strict=True)))


def explain(model: Any, x: Any, placement: str = "effective", **keywords: Any) -> Any:
    given = {"layer": "here", "target": 0, "method": "hirescam", **keywords}
    return visioncam.explain(model, x, placement=placement, **given)


def test_a_map_lies_on_what_is_seen(model: Any) -> None:
    found = {name: explain(model, picture(), name) for name in PLACEMENTS}
    assert far(found["stretched"].heatmap) >= 4
    assert far(found["receptive"].heatmap) == far(found["effective"].heatmap) == 0
    assert [one.layer.placement.name for one in found.values()] == list(PLACEMENTS)
    assert explain(model, picture()).layer.placement.name == "effective", "by default"
    np.testing.assert_array_equal(explain(model, picture()).heatmap, found["effective"].heatmap)


@pytest.mark.parametrize("method", [spec.name for spec in visioncam.methods() if spec.family == "cam"])
def test_the_raw_map_does_not_change_with_it(model: Any, method: str) -> None:
    found = [explain(model, picture(), name, method=method) for name in PLACEMENTS]
    for one in found[1:]:
        np.testing.assert_array_equal(one.raw, found[0].raw)
        assert one.score == found[0].score
    assert not np.array_equal(found[0].heatmap, found[2].heatmap)


@pytest.mark.parametrize("renderer", ["overlay", "heatmap"])
def test_renderers_draw_it(model: Any, renderer: str) -> None:
    drawn = {name: explain(model, picture(), name).render(renderer) for name in PLACEMENTS}
    assert drawn["effective"].shape == drawn["stretched"].shape
    assert np.abs(drawn["effective"].astype(int) - drawn["stretched"]).max() > 20


def test_boxes_lie_around_what_is_seen(model: Any) -> None:
    for name, near in (("effective", True), ("receptive", True), ("stretched", False)):
        box = explain(model, picture((14, 18)), name).boxes(0.5)[0]
        middle = ((box.top + box.bottom - 1) / 2, (box.left + box.right - 1) / 2)
        assert (max(abs(a - b) for a, b in zip(middle, (14, 18), strict=True)) < 1) == near


@pytest.mark.parametrize("geometry", ["letterbox", "center_crop", "tile"])
def test_pictures_fitted_to_the_model(model: Any, geometry: str) -> None:
    size, dot = ((60, 120), (14, 40)) if geometry == "tile" else ((44, 104), (16, 40))
    large = np.zeros(size, np.uint8)
    large[dot[0] : dot[0] + 4, dot[1] : dot[1] + 4] = 255
    dark = visioncam.geometry.Letterbox(fill=0) if geometry == "letterbox" else geometry
    off = {}
    for name in PLACEMENTS:
        heat = explain(model, large, name, geometry=dark, preprocess="unit").heatmap
        core = np.where(heat > 0.6 * heat.max(), heat, 0)
        off[name] = max(abs(centroid(core, axis) - dot[axis] - 1.5) for axis in (0, 1))
    assert off["effective"] == off["receptive"] < 1
    assert off["stretched"] > 2


def test_layers_are_fused_where_their_positions_lie(model: Any) -> None:
    layers = ["c1", "c4", "here"]
    found = explain(model, picture(), layer=layers)
    assert far(found.heatmap) == 0
    assert found.layer.placement == explain(model, picture(), layer="c1").layer.placement
    pixels = found.layer.placement.pixels(found.raw.shape, SIZE)
    top = np.unravel_index(found.raw.argmax(), found.raw.shape)
    assert [line[at] for line, at in zip(pixels, top, strict=True)] == pytest.approx(DOT)
    assert far(explain(model, picture(), "stretched", layer=layers).heatmap) >= 2


@pytest.mark.parametrize("one", PLACEMENTS)
@pytest.mark.parametrize("other", PLACEMENTS)
def test_a_fused_map_takes_each_layer_from_where_it_lies(model: Any, one: str, other: str) -> None:
    fine, coarse = explain(model, picture(), one, layer="c1"), explain(model, picture(), other)
    whole = np.zeros_like(fine.raw)
    whole[np.unravel_index(fine.raw.argmax(), fine.raw.shape)] = 1.0
    fused = fuse([attrs.evolve(fine, raw=whole), attrs.evolve(coarse, raw=np.ones_like(coarse.raw))], "mean")
    np.testing.assert_allclose(fused.raw, 0.5 + whole / 2, atol=1e-6)
    rows = np.arange(coarse.raw.shape[0], dtype=np.float32)[:, None] + np.zeros_like(coarse.raw)
    fused = fuse([attrs.evolve(fine, raw=0 * fine.raw), attrs.evolve(coarse, raw=rows)], "max")
    here = coarse.layer.placement.pixels(coarse.raw.shape, SIZE)[0]
    there = fine.layer.placement.pixels(fine.raw.shape, SIZE)[0]
    np.testing.assert_allclose(
        fused.raw[:, 3] * rows.max(), np.interp(there, here, np.arange(len(here))), atol=1e-4
    )


def test_maps_of_different_layers_are_compared_where_they_lie(model: Any) -> None:
    """At both layers the map falls off from one and the same pixel."""
    pair = []
    for layer in ("c1", "here"):
        e = explain(model, picture(), layer=layer)
        rows, columns = e.layer.placement.pixels(e.raw.shape, SIZE)
        away = np.hypot(rows[:, None] - 14, columns[None] - 18)
        pair.append(attrs.evolve(e, raw=(100 - away).astype(np.float32)))
    stretched = [attrs.evolve(one, layer=attrs.evolve(one.layer, placement=STRETCHED)) for one in pair]
    assert correlations(pair).values[0, 1] > 0.999 > 0.99 > correlations(stretched).values[0, 1]


def hirescam(model: Any, x: Any, placement: str, metric: str, **keywords: Any) -> float:
    found = visioncam.evaluate(
        model, [x], "hirescam", layer="here", target=0, seeds=1, cascade=1, metrics=metric,
        placement=placement, **keywords,
    )  # fmt: skip
    return float(found.result("hirescam", metric).mean)


def test_metrics_are_given_the_map_where_it_lies(model: Any) -> None:
    boxes = [(DOT[1] - 1, DOT[0] - 1, DOT[1] + 2, DOT[0] + 2)]
    hits = {name: hirescam(model, picture(), name, "energypointinggame", truth=boxes) for name in PLACEMENTS}
    assert hits["effective"] == pytest.approx(hits["receptive"], rel=1e-3)
    assert hits["effective"] > 1.5 * hits["stretched"]


def test_a_shift_is_measured_on_the_placed_map(model: Any) -> None:
    """A map that follows its dot is stable, where its positions are drawn a pixel apart as they are."""
    stable = {name: hirescam(model, picture((20, 24)), name, "shiftstability") for name in PLACEMENTS}
    assert stable["effective"] == pytest.approx(stable["receptive"], abs=1e-3)
    assert stable["effective"] > stable["stretched"] + 0.02


@pytest.mark.parametrize("name", PLACEMENTS)
def test_a_file_keeps_it(model: Any, name: str, tmp_path: Path) -> None:
    written = explain(model, picture(), name)
    read = visioncam.load(written.save(tmp_path / "map.npz"))
    assert read.layer.placement == written.layer.placement
    assert read.layer.placement.name == name
    np.testing.assert_array_equal(read.heatmap, written.heatmap)
    np.testing.assert_allclose(
        resize(np.maximum(read.raw, 0) / read.raw.max(), SIZE, read.layer.placement), read.heatmap, atol=1e-6
    )


@pytest.mark.parametrize("name", ["picture", "fused", "tiled", "signal", "volume"])
def test_a_file_of_earlier_is_stretched(checkout: Path, name: str) -> None:
    read = visioncam.load(checkout / "tests" / "data" / "saved" / "explanations" / f"{name}.npz")
    assert read.layer.placement == STRETCHED == Placement()


@pytest.mark.parametrize("rank", [1, 3])
def test_signals_and_volumes(rank: int) -> None:
    model = valid(rank)
    size = model.input_shape[1:-1]
    dot = (11,) if rank == 1 else (9, 10, 13)
    for name in PLACEMENTS:
        assert (far(explain(model, picture(dot, size), name).heatmap, dot) == 0) == (name != "stretched")


def test_every_way_to_ask_takes_it(model: Any, tmp_path: Path) -> None:
    x = picture()
    for name in PLACEMENTS:
        wanted = explain(model, x, name)
        common = {"layer": "here", "target": 0, "placement": name}
        row = visioncam.compare(model, x, ["hirescam"], **common)
        by_explainer = visioncam.explainer(model, "hirescam", layer="here", placement=name)(x, 0)
        batch = visioncam.explain(model, np.stack([x, x]), "hirescam", **common)
        for found in (row["hirescam"], by_explainer, *batch):
            np.testing.assert_allclose(found.heatmap, wanted.heatmap, atol=1e-6)


@pytest.mark.parametrize("value", ["centred", "Effective", "", None, 3, True, ["effective"]])
def test_another_word_is_refused_with_the_words_there_are(model: Any, value: Any) -> None:
    with pytest.raises(OptionError) as error:
        explain(model, picture(), value)
    message = str(error.value)
    assert "placement" in message
    assert all(repr(name) in message for name in PLACEMENTS)
    assert repr(value) in message
