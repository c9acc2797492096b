"""Spotlight, masked, contour, signed, boxes, side by side, triptych: what they show, pixel for pixel."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from helpers.viz import REGISTRY, colour, explanation, gaussian, layer

from visioncam_core.errors import ImageError, NameNotFoundError, OptionError, OptionTypeError
from visioncam_core.results.explanation import Explanation
from visioncam_viz.drawing import text
from visioncam_viz.drawing.edges import inside, lines
from visioncam_viz.renderers.boxes import AGAINST, FOR, Boxes, share_of
from visioncam_viz.renderers.contour import Contour
from visioncam_viz.renderers.maps import Heatmap, Overlay, SideBySide, Triptych
from visioncam_viz.renderers.masked import Masked
from visioncam_viz.renderers.signed import Signed
from visioncam_viz.renderers.spotlight import NIGHT, Spotlight

FLAT = ("overlay", "heatmap", "spotlight", "masked", "contour", "signed", "boxes", "sidebyside", "triptych")


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(40, 256, (90, 120, 3), dtype=np.uint8)


@pytest.fixture
def e(photo: np.ndarray) -> Explanation:
    heat = gaussian((90, 120), (40, 60), 15)
    heat[heat < 0.02] = 0
    return explanation(photo, heat)


def changed(picture: np.ndarray, photo: np.ndarray) -> np.ndarray:
    return (picture != photo).any(axis=-1)


def test_the_spotlight_lights_the_evidence_and_dims_the_rest(e: Explanation) -> None:
    picture = Spotlight(dim=0.75)(e)
    strong = e.heatmap >= 0.5
    assert np.array_equal(picture[strong], e.picture[strong])
    expected = e.picture[0, 0] * 0.25 + NIGHT * 0.75
    np.testing.assert_allclose(picture[0, 0], expected, atol=0.51)
    dark = Spotlight(dim=1.0)(e)
    assert (dark[e.heatmap == 0] == NIGHT).all()
    assert np.array_equal(Spotlight(dim=0.0)(e), e.picture)


def test_masked_keeps_the_strongest_part_as_it_is(e: Explanation) -> None:
    picture = Masked(percent=10, fill="black")(e)
    kept = ~changed(picture, e.picture)
    assert kept.mean() == pytest.approx(0.1, abs=0.02)
    assert e.heatmap[kept].min() >= e.heatmap[~kept].max() - 0.02
    away = np.hypot(*(np.mgrid[:90, :120] - np.array([40, 60])[:, None, None])) > 30
    assert (picture[away] == 0).all()
    assert (Masked(percent=10, fill="white")(e)[away] == 255).all()
    assert (Masked(percent=10)(e)[away] == 128).all()
    blurred = Masked(percent=10, fill="blur")(e)[away]
    assert blurred.std() < e.picture[away].std() / 4


def test_masked_never_shows_what_has_no_evidence(e: Explanation) -> None:
    picture = Masked(percent=100, fill="black")(e)
    inner = inside(e.heatmap, 1e-6) == 1
    assert np.array_equal(picture[inner], e.picture[inner])
    assert (picture[:5, :5] == 0).all()


def test_the_edge_of_a_mask_lies_between_pixels_by_the_slope() -> None:
    ramp = np.tile(np.arange(10, dtype=np.float32), (6, 1))
    share = inside(ramp, 4.25)
    assert share[:, 4].tolist() == pytest.approx([0.25] * 6)
    assert (share[:, :4] == 0).all()
    assert (share[:, 5:] == 1).all()
    step = np.zeros((6, 6), np.float32)
    step[:, 3:] = 1
    assert np.array_equal(inside(step, 0.5), step), "a step is blurred"


def test_contours_follow_the_level_and_leave_the_rest_of_the_photo() -> None:
    photo = np.full((200, 200, 3), 200, np.uint8)
    e = explanation(photo, gaussian((200, 200), (100, 100), 40))
    picture = Contour(levels=(0.5,), width=2)(e)
    far = np.hypot(*(np.mgrid[:200, :200] - 100))
    ring = 40 * np.sqrt(2 * np.log(2))
    drawn = changed(picture, photo)
    assert far[drawn].mean() == pytest.approx(ring, abs=0.5)
    assert np.abs(far[drawn] - ring).max() < 4.5
    assert drawn[np.abs(far - ring) < 0.5].all(), "the line is broken"
    on = np.abs(far - ring) < 0.4
    np.testing.assert_allclose(picture[on].mean(axis=0), colour("inferno", 0.5), atol=12)


def test_a_line_may_be_at_any_threshold(e: Explanation) -> None:
    same = Contour(levels=(float(np.sort(e.heatmap.ravel())[-1080]),))(e)
    assert np.array_equal(Contour(levels=("p90",))(e), same)
    assert changed(Contour(levels=("otsu", 0.9))(e), e.picture).any()
    assert REGISTRY.make_renderer("contour", {"levels": [0.2, "p90"]})[1] == Contour(levels=(0.2, "p90"))
    for levels in ((), (2.0,), ("p200",), (0.5, "x")):
        with pytest.raises(OptionError):
            Contour(levels=levels)


def test_lines_of_a_large_map_are_where_those_of_a_small_one_are() -> None:
    small, large = gaussian((100, 100), (49.5, 49.5), 20), gaussian((3000, 3000), (1499.5, 1499.5), 600)
    ((a,),), ((b,),) = lines(small, [0.5]), lines(large, [0.5])
    reach = (np.abs(a - 49.5).max(), np.abs(b - 1499.5).max() / 30)
    assert reach[0] == pytest.approx(reach[1], abs=0.2)
    middle = (b.max(axis=0) + b.min(axis=0)) / 2
    np.testing.assert_allclose(middle, 1499.5, atol=0.3)


def test_signed_is_red_for_blue_against_and_grey_elsewhere(photo: np.ndarray) -> None:
    heat = np.zeros((90, 120), np.float32)
    heat[:30, :40], heat[60:, 80:] = 1, -1
    picture = Signed(alpha=1.0)(explanation(photo, heat, evidence="signed"))
    assert np.array_equal(picture[10, 10], colour("RdBu_r", 1.0))
    assert np.array_equal(picture[70, 100], colour("RdBu_r", 0.0))
    quiet = picture[heat == 0]
    assert (quiet.max(axis=-1) == quiet.min(axis=-1)).all(), "colour where there is no evidence"
    luma = photo @ [0.299, 0.587, 0.114] * 0.65 + 255 * 0.35
    np.testing.assert_allclose(quiet[:, 0], luma[heat == 0], atol=1)


@pytest.mark.parametrize("evidence", ["for", "against"])
def test_signed_says_when_it_shows_one_side_only(e: Explanation, evidence: str) -> None:
    both = attrs.evolve(e, evidence="signed")
    if evidence == "against":
        both = attrs.evolve(both, heatmap=-e.heatmap)
    one_sided, complete = (Signed(min_size=400)(each) for each in (attrs.evolve(e, evidence=evidence), both))
    height = complete.shape[0]
    assert np.array_equal(one_sided[: height - 40], complete[: height - 40])
    assert not np.array_equal(one_sided[height - 25 :], complete[height - 25 :])


def test_boxes_are_drawn_around_their_areas(photo: np.ndarray) -> None:
    photo = np.tile(photo, (2, 2, 1))
    heat = np.zeros((180, 240), np.float32)
    heat[30:80, 20:90] = 1.0
    heat[120:160, 150:220] = -0.5
    e = explanation(photo, heat, evidence="signed")
    picture = Boxes(overlay=False, width=2)(e)
    for (top, bottom, left, right), ink in (((30, 80, 20, 90), FOR), ((120, 160, 150, 220), AGAINST)):
        for row in (top, top + 1, bottom - 1, bottom - 2):
            assert (picture[row, left:right] == ink).all(axis=-1).mean() > 0.4
        assert (picture[top + 4 : bottom, (left, left + 1, right - 1, right - 2)] == ink).all()
        middle = np.s_[top + 14 : bottom - 3, left + 3 : right - 3]
        assert np.array_equal(picture[middle], photo[middle])
    assert np.array_equal(picture[:100, 100:], photo[:100, 100:])
    for fewer in (Boxes(overlay=False, most=1)(e), Boxes(overlay=False, threshold=0.6)(e)):
        assert np.array_equal(fewer[90:], photo[90:])
        assert not np.array_equal(fewer, photo)


def test_a_share_is_told_in_words() -> None:
    assert [share_of(score) for score in (1.0, 0.625, 0.004, -0.08)] == ["100 %", "62 %", "< 1 %", "−8 %"]


@pytest.mark.parametrize("box", [(0, 90, 0, 120), (0, 1, 0, 1), (89, 90, 119, 120), (40, 41, 0, 120)])
def test_boxes_at_the_picture_s_edge_stay_in_it(photo: np.ndarray, box: tuple[int, int, int, int]) -> None:
    heat = np.zeros((90, 120), np.float32)
    heat[box[0] : box[1], box[2] : box[3]] = 1
    assert Boxes()(explanation(photo, heat)).shape == (90, 120, 3)


def test_side_by_side_and_triptych_hold_the_very_pictures(e: Explanation) -> None:
    pair = SideBySide()(e)
    assert np.array_equal(pair[:, :120], e.picture)
    assert np.array_equal(pair[:, -120:], Overlay()(e))
    three = Triptych(title=False, colorbar=False, labels=False)(e)
    gap = (three.shape[1] - 360) // 2
    assert np.array_equal(three[:, :120], e.picture)
    assert np.array_equal(three[:, 120 + gap : 240 + gap], Heatmap()(e))
    assert np.array_equal(three[:, -120:], Overlay()(e))
    assert (three[:, 120 : 120 + gap] == 255).all()


def test_wide_pictures_are_stacked() -> None:
    e = explanation(np.full((20, 100, 3), 9, np.uint8), np.ones((20, 100), np.float32))
    pair = SideBySide()(e)
    assert pair.shape[1] == 100
    assert np.array_equal(pair[:20], e.picture)
    assert np.array_equal(pair[-20:], Overlay()(e))


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (1, 1), (3, 5), (1, 2)])
def test_pictures_of_any_size_are_shown(name: str, shape: tuple[int, int]) -> None:
    given = np.full((*shape, 3), 50, np.uint8)
    e = explanation(given, np.ones(shape, np.float32))
    picture = e.render(name)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert picture.shape[0] >= shape[0]
    assert picture.shape[1] >= shape[1]
    assert (given == 50).all()


@pytest.mark.parametrize("name", FLAT)
@pytest.mark.parametrize("evidence", ["for", "against", "signed"])
def test_a_blank_map_leaves_the_photo_and_says_so(name: str, evidence: str) -> None:
    grey = np.full((400, 500, 3), 90, np.uint8)
    e = explanation(grey, np.zeros((400, 500), np.float32), evidence=evidence)
    picture = e.render(name, **({"title": False} if name == "triptych" else {}))
    assert picture[-45:].std() > 10, "there is no note"
    if name not in ("heatmap", "sidebyside", "triptych"):
        assert np.array_equal(picture[:350], grey[:350])


@pytest.mark.parametrize("name", FLAT)
def test_hostile_names_and_grey_pictures_and_many_bands(name: str, rng: np.random.Generator) -> None:
    heat = gaussian((60, 80), (30, 40), 12)
    options = {"title": True}
    for picture in (
        rng.integers(0, 256, (60, 80), dtype=np.uint8),
        rng.integers(0, 65536, (60, 80), dtype=np.uint16),
        rng.normal(size=(60, 80, 12)),
        rng.normal(size=(12, 60, 80)).astype(np.float32),
    ):
        label = "<script>$x^_\\frac{\n\x1b"
        e = explanation(picture, heat, label=label, layer=layer("a/$_b", (7, 7)), method_title="$")
        shown = e.render(name, **options)
        assert shown.std() > 5
        assert shown.shape[0] > 60 + 2 * text.line_height(13)


@pytest.mark.parametrize("name", ["overlay", "spotlight", "masked", "contour", "boxes", "sidebyside"])
def test_bands_can_be_chosen(name: str, rng: np.random.Generator) -> None:
    cube = rng.integers(0, 256, (50, 70, 6), dtype=np.uint8)
    heat = gaussian((50, 70), (25, 35), 9)
    chosen = explanation(cube, heat).render(name, bands=(4, 2, 0))
    assert np.array_equal(chosen, explanation(cube[..., [4, 2, 0]].copy(), heat).render(name))
    rgba = cube[..., :4].copy()
    plain = explanation(rgba, heat).render("overlay", alpha=0.0, bands=(3, 1, 0))
    assert np.array_equal(plain, rgba[..., [3, 1, 0]])
    with pytest.raises(OptionError, match=r"bands=\(0, 1, 6\) asks for band 6.*has 6: 0 to 5"):
        explanation(cube, heat).render(name, bands=(0, 1, 6))
    with pytest.raises(OptionTypeError, match="bands"):
        explanation(cube, heat).render(name, bands=(0, 1))


def test_a_dead_pixel_does_not_cost_the_contrast_of_an_x_ray() -> None:
    x_ray = np.tile(np.linspace(1000, 3000, 200), (100, 1)).astype(np.uint16)
    x_ray[0, 0], x_ray[50, 50] = 65535, 0
    shown = explanation(x_ray, np.ones((100, 200), np.float32)).render("overlay", alpha=0.0)
    assert np.ptp(shown[20].astype(int)) >= 250
    assert shown[0, 0].tolist() == [255, 255, 255]
    assert shown[50, 50].tolist() == [0, 0, 0]
    sparse = np.zeros((100, 100))
    sparse[3, 3] = 7.0
    assert explanation(sparse, np.ones((100, 100), np.float32)).render("overlay", alpha=0.0)[3, 3, 0] == 255


@pytest.mark.parametrize("name", FLAT)
def test_unknown_options_colours_and_ranges_are_refused(name: str, e: Explanation) -> None:
    with pytest.raises(OptionTypeError, match=f"'{name}' has no option 'colour'"):
        e.render(name, colour="red")
    if "colormap" in {field.name for field in attrs.fields(REGISTRY.renderer(name).cls)}:
        with pytest.raises(NameNotFoundError, match="'virdis'; did you mean 'viridis'"):
            e.render(name, colormap="virdis")
    for options in ({"percent": 0}, {"percent": 101.0}, {"dim": -1}, {"threshold": 3}, {"width": -1}):
        (option,) = options
        if option in {field.name for field in attrs.fields(REGISTRY.renderer(name).cls)}:
            with pytest.raises(OptionError, match=option):
                e.render(name, **options)


@pytest.mark.parametrize("name", FLAT)
def test_nothing_given_is_changed(name: str, e: Explanation) -> None:
    for array in (e.picture, e.heatmap):
        array.setflags(write=False)
    picture = e.render(name)
    assert not np.shares_memory(picture, e.picture)
    picture[:] = 0


@pytest.mark.parametrize("name", FLAT)
def test_a_map_on_another_grid_or_empty_is_refused(name: str) -> None:
    with pytest.raises(ImageError, match=r"\(5, 6, 3\).*\(6, 5\)"):
        explanation(np.zeros((5, 6, 3), np.uint8), np.ones((6, 5), np.float32)).render(name)
    with pytest.raises(ImageError, match="one, two or three axes"):
        explanation(np.zeros((0, 5, 3), np.uint8), np.zeros((0, 5), np.float32)).render(name)


@pytest.mark.parametrize("name", FLAT)
def test_signals_are_shown(name: str) -> None:
    values = np.sin(np.linspace(0, 20, 300)).astype(np.float32)
    e = explanation(values, gaussian((300,), (200,), 20), layer=layer("conv1d", (62,)))
    picture = e.render(name)
    assert picture.shape[1] >= 960
    assert picture.std() > 10
