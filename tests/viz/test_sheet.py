"""The contact sheet: every tile in its place, nothing lost, nothing overlapping."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.viz import comparison, explanation, gaussian, layer

from visioncam_core.errors import ImageError, ImageTypeError, NameNotFoundError, OptionTypeError
from visioncam_core.results.explanation import Explanation
from visioncam_viz.drawing import text
from visioncam_viz.drawing.sheet_scale import strongest
from visioncam_viz.renderers.maps import Heatmap, Overlay
from visioncam_viz.renderers.sheet import Sheet

TITLES = ("Grad-CAM", "Grad-CAM++", "HiResCAM", "Respond-CAM", "XGrad-CAM", "Score-CAM", "A", "B", "C")


def nine(picture: np.ndarray, heat: np.ndarray) -> list[Explanation]:
    base = explanation(picture, heat)
    return [attrs.evolve(base, method=title.lower(), method_title=title) for title in TITLES]


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(100, 256, (200, 340, 3), dtype=np.uint8)


def places(page: np.ndarray, picture: np.ndarray) -> list[tuple[int, int]]:
    """Return where exactly this picture lies on the page."""
    height, width = picture.shape[:2]
    rows, columns = np.nonzero((page == picture[0, 0]).all(axis=-1))
    return [
        (y, x)
        for y, x in zip(rows.tolist(), columns.tolist(), strict=True)
        if np.array_equal(page[y : y + height, x : x + width], picture)
    ]


def test_photo_and_nine_maps_stand_in_one_grid(photo: np.ndarray) -> None:
    heat = gaussian((200, 340), (80, 100), 30)
    page = Sheet()(comparison(*nine(photo, heat)))
    assert len(places(page, photo)) == 1, "the photo is not there as it is"
    maps = places(page, Overlay()(explanation(photo, heat)))
    spots = sorted([*maps, *places(page, photo)])
    assert len(maps) == 9
    assert len({y for y, _ in spots}) == 2
    assert len({x for _, x in spots}) == 5
    assert spots[0] == places(page, photo)[0], "the photo is not the first tile"


@pytest.mark.parametrize("columns", [1, 3, 10, 50])
def test_columns_can_be_chosen(photo: np.ndarray, columns: int) -> None:
    subject = comparison(*nine(photo, gaussian((200, 340), (80, 100), 30)))
    page = Sheet(columns=columns)(subject)
    maps = places(page, Overlay()(subject.explanations[0]))
    assert len({x for _, x in maps}) == min(columns, 10) - (columns >= 10)


def test_the_tiles_renderer_and_its_options_can_be_chosen(photo: np.ndarray) -> None:
    e = explanation(photo, gaussian((200, 340), (80, 100), 30))
    page = Sheet(renderer="heatmap", tile_options={"colormap": "jet"})(comparison(e))
    assert len(places(page, Heatmap(colormap="jet")(e))) == 1


def test_a_comparison_takes_the_options_of_its_page_and_of_its_maps(photo: np.ndarray) -> None:
    subject = comparison(*nine(photo, gaussian((200, 340), (80, 100), 30))[:2])
    page = subject.sheet(columns=1, renderer="heatmap", colormap="jet")
    direct = Sheet(columns=1, renderer="heatmap", tile_options={"colormap": "jet"})(subject)
    assert np.array_equal(page, direct)
    assert np.array_equal(
        subject.sheet(tile_options={"alpha": 0.2, "by_value": False}, alpha=0.9),
        subject.sheet(alpha=0.9, by_value=False),
    )
    with pytest.raises(
        OptionTypeError, match=r"neither the sheet nor renderer 'overlay'.*'colums'; did you mean 'columns'"
    ):
        subject.sheet(colums=2)
    with pytest.raises(OptionTypeError, match="'colormop'; did you mean 'colormap'"):
        subject.sheet(colormop="jet")
    with pytest.raises(NameNotFoundError, match="'virdis'; did you mean 'viridis'"):
        subject.sheet(colormap="virdis")
    with pytest.raises(NameNotFoundError, match="unknown renderer 'heetmap'"):
        subject.sheet(renderer="heetmap", alpha=0.5)
    with pytest.raises(OptionTypeError, match="when you create Heatmap"):
        subject.sheet(renderer=Heatmap(), colormap="jet")
    with pytest.raises(ImageTypeError, match=r"visioncam\.compare"):
        subject[0].render("sheet")


def test_a_failed_method_keeps_a_place_with_its_reason(photo: np.ndarray) -> None:
    explanations = tuple(nine(photo, gaussian((200, 340), (80, 100), 30))[:2])
    bare = Sheet(columns=4)(comparison(*explanations))
    reasons = ["out of memory " * 200, "$x^ \\frac", "<script>", ""]
    pages = [Sheet(columns=4)(comparison(*explanations, failures={"scorecam": why})) for why in reasons]
    assert len({page.shape for page in pages}) == 1
    assert pages[0].shape[1] > bare.shape[1], "the failed method has no tile"
    width = 36 + 3 * (340 + 22)  # margin, three tiles with their gaps
    for page in pages:
        assert np.array_equal(page[110:, : width - 22], bare[110:, : width - 22]), "another tile was changed"
    assert not np.array_equal(pages[0], pages[1])
    assert not np.array_equal(pages[1], pages[2])


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (1, 1), (7, 9), (3000, 2000)])
def test_pictures_of_any_size_fit(shape: tuple[int, int]) -> None:
    e = explanation(np.full((*shape, 3), 50, np.uint8), np.ones(shape, np.float32))
    blank = attrs.evolve(e, heatmap=np.zeros(shape, np.float32))
    page = Sheet()(comparison(e, e, blank, failures={"b": "too large"}))
    assert page.shape[0] < 3000
    assert page.shape[1] < 3000
    for edge in (page[:30], page[-30:], page[:, :30], page[:, -30:]):
        assert (edge == 255).all(), "something runs into the margin"


def test_signals_and_volumes_fit() -> None:
    for shape in ((300,), (8, 9, 10)):
        e = explanation(np.random.default_rng(0).random(shape), np.ones(shape, np.float32))
        page = Sheet()(comparison(e, e))
        assert (page[-20:] == 255).all()
        assert (page != 255).mean() > 0.1


def test_what_a_method_cost_and_its_own_layer_are_told(photo: np.ndarray) -> None:
    e = explanation(photo, gaussian((200, 340), (80, 100), 30))
    other = attrs.evolve(e, layer=layer("block5c_add", (14, 14)), method="xgradcam")
    page = Sheet()(comparison(e))
    costed = Sheet()(comparison(e, seconds={"gradcam": 1.25}, passes={"gradcam": 2}))
    assert not np.array_equal(page, costed)
    mixed = Sheet()(comparison(e, other))
    same = Sheet()(comparison(e, attrs.evolve(other, layer=e.layer)))
    assert mixed.shape == same.shape
    assert not np.array_equal(mixed, same)


def test_a_sheet_of_nothing_and_of_one_explanation_is_refused(photo: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"no method gave a map\. gradcam: out of memory"):
        Sheet()(comparison(failures={"gradcam": "out of memory"}))
    with pytest.raises(ImageTypeError, match=r"received Explanation.*visioncam\.compare"):
        Sheet()(explanation(photo, np.ones((200, 340), np.float32)))


@pytest.mark.parametrize(("size", "bold"), [(11, False), (18, True), (40, False)])
def test_lines_of_text_are_whole_and_no_wider_than_they_say(size: int, bold: bool) -> None:
    for line in ("gjpqyÅÄ|()[]{}", "price_$5_vs_$6", "WWW", "i"):
        coverage = text.mask(line, size, bold)
        assert coverage.shape == (text.line_height(size), text.width_of(line, size, bold))
        assert coverage.max() > 0.9
        assert coverage[0].max() == coverage[-1].max() == 0, "cut above or below"
        assert coverage[:, -1].max() == 0, "cut at the right"
    assert not np.array_equal(text.mask("$x$", size), text.mask("x", size)), "mathtext was read"


def test_texts_are_cut_and_wrapped_to_their_room() -> None:
    words = "backbone/stage4/block3/convolution"
    for keep in ("start", "end"):
        short = text.shorten(words, 120, 14, keep=keep)
        assert text.width_of(short, 14) <= 120
        assert len(short) > 10
        assert short.strip("…") in words
    assert text.shorten("conv", 120, 14) == "conv"
    lines = text.wrap("one two three four five six seven eight nine ten", 90, 14, 3)
    assert len(lines) == 3
    assert all(text.width_of(line, 14) <= 90 for line in lines)
    assert text.wrap("", 90, 14, 3) == []
    assert text.mask("a\nb", 14).shape == text.mask("a b", 14).shape


def test_several_comparisons_stand_below_one_another(photo: np.ndarray) -> None:
    heat = gaussian((200, 340), (80, 100), 30)
    e = explanation(photo, heat)
    other = attrs.evolve(e, method="b", method_title="B")
    one, two = comparison(e, other), comparison(attrs.evolve(e, layer=layer("block5c_add", (14, 14))), other)
    page = Sheet()([one, two])
    maps = places(page, Overlay()(e))
    assert len(places(page, photo)) == 1
    assert len(maps) == 4
    assert len({y for y, _ in maps}) == 2
    assert len({x for _, x in maps}) == 2
    assert np.array_equal(Sheet()([one]), Sheet()(one))
    assert {len(places(Sheet(columns=1)([one, two]), picture)) for picture in (photo, Overlay()(e))} == {1, 4}
    for wrong in ([], [one, e]):
        with pytest.raises(ImageTypeError, match="The sheet shows a comparison"):
            Sheet()(wrong)  # type: ignore[arg-type]


def test_maps_share_a_scale_where_that_is_asked(photo: np.ndarray) -> None:
    heat = gaussian((200, 340), (80, 100), 30)
    strong = explanation(photo, heat, raw=8 * heat)
    weak = attrs.evolve(strong, raw=2 * heat)
    other = attrs.evolve(strong, method="b", raw=16 * heat)
    groups = [comparison(strong, other), comparison(weak, other)]
    for scale, shares in (("map", (1, 1, 1, 1)), ("method", (1, 1, 0.25, 1)), ("all", (0.5, 1, 0.125, 1))):
        page = Sheet(scale=scale)(groups)  # type: ignore[arg-type]
        for share in set(shares):
            tile = Overlay()(attrs.evolve(strong, heatmap=heat * np.float32(share)))
            assert len(places(page, tile)) == shares.count(share), (scale, share)
    blank = attrs.evolve(strong, raw=np.zeros_like(heat), heatmap=np.zeros_like(heat))
    assert len(places(Sheet(scale="all")(comparison(blank)), Overlay()(blank))) == 1
    assert [strongest(attrs.evolve(blank, heatmap=np.full((2, 2), v))) for v in (0.25, -1, 0.001, 0)] == [
        "strongest 25 %", "strongest 100 %", "strongest < 1 %", "strongest 0 %",
    ]  # fmt: skip
    assert not np.array_equal(Sheet(scale="all")(groups)[:100], Sheet(scale="map")(groups)[:100]), "not told"
    assert strong.heatmap is heat
