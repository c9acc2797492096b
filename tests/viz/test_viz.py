"""Heat map and overlay: the colours they give, on pictures of every kind."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import attrs
import matplotlib
import numpy as np
import pytest
from helpers.viz import colour, explanation, gaussian, layer

from visioncam_core.errors import NameNotFoundError, OptionError
from visioncam_core.plugins.registry import Registry
from visioncam_viz.renderers.maps import Heatmap, Overlay

HOSTILE = (
    "price_$5_vs_$6",
    "$",
    "\\",
    "^",
    "<script>alert(1)</script>",
    "a\nb\x1b[31m",
    "虎斑猫 🐈",
    "",
    " ",
)


@pytest.fixture
def photo(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)


@pytest.fixture
def heat() -> np.ndarray:
    values = gaussian((40, 60), (15, 30), 6)
    values[values < 0.01] = 0
    return values


def test_the_heat_map_is_in_matplotlibs_colours(photo: np.ndarray, heat: np.ndarray) -> None:
    for name in ("jet", "viridis", "inferno"):
        expected = matplotlib.colormaps[name](heat, bytes=True)[..., :3]
        np.testing.assert_array_equal(Heatmap(colormap=name)(explanation(photo, heat)), expected)


def test_the_default_colours_are_inferno_and_diverging_when_signed(photo: np.ndarray) -> None:
    values = np.zeros((40, 60), np.float32)
    values[0, 0], values[0, 1] = 1, -1
    plain = Heatmap()(explanation(photo, np.abs(values)))
    signed = Heatmap()(explanation(photo, values, evidence="signed"))
    assert np.array_equal(plain[0, 0], colour("inferno", 1.0))
    assert np.array_equal(signed[0, 0], colour("RdBu_r", 1.0))
    assert np.array_equal(signed[0, 1], colour("RdBu_r", 0.0))
    assert np.ptp(signed[5, 5].astype(int)) <= 2, "zero is not neutral"


def test_the_overlay_leaves_the_photo_untouched_where_there_is_no_evidence(
    photo: np.ndarray, heat: np.ndarray
) -> None:
    picture = Overlay(alpha=1.0)(explanation(photo, heat))
    assert np.array_equal(picture[heat == 0], photo[heat == 0])
    assert (heat == 0).any()
    assert np.array_equal(picture[15, 30], colour("inferno", 1.0))


@pytest.mark.parametrize("placed", [False, True])
def test_opacity_rises_smoothly_to_alpha_at_the_strongest_or_in_old_files_at_half_of_it(
    photo: np.ndarray, placed: bool
) -> None:
    values = np.zeros((40, 60), np.float32)
    values[0, :4] = 0.25, 0.5, 0.75, 1.0
    place = {"axes": [[0.1, 0.2], [0.1, 0.2]], "seen": [0, 0, 1, 1]}
    e = explanation(photo, values, provenance={"place": place} if placed else {})
    picture = Overlay(alpha=0.6, colormap="viridis")(e)
    for x, opacity in enumerate((0.09375, 0.3, 0.50625, 0.6) if placed else (0.3, 0.6, 0.6, 0.6)):
        below = photo[0, x].astype(float)
        expected = below + opacity * (colour("viridis", float(values[0, x])) - below)
        np.testing.assert_allclose(picture[0, x], expected, atol=0.51)


def test_alpha_0_gives_the_photo_and_alpha_1_the_colour_map(photo: np.ndarray, heat: np.ndarray) -> None:
    e = explanation(photo, heat)
    assert np.array_equal(Overlay(alpha=0.0, by_value=False)(e), photo)
    full = Overlay(alpha=1.0, by_value=False, colormap="jet")(e)
    assert np.array_equal(full, Heatmap(colormap="jet")(e))
    half = Overlay(alpha=0.5, by_value=False, colormap="jet")(e)
    np.testing.assert_allclose(half, (photo.astype(float) + full) / 2, atol=0.51)


@pytest.mark.parametrize("by_value", [True, False])
def test_below_the_threshold_the_photo_is_untouched(
    photo: np.ndarray, heat: np.ndarray, by_value: bool
) -> None:
    picture = Overlay(threshold=0.4, alpha=1.0, by_value=by_value)(explanation(photo, heat))
    changed = (picture != photo).any(axis=-1)
    assert not changed[heat < 0.4].any()
    assert changed[heat >= 0.4].all()


def test_the_threshold_holds_for_both_signs(photo: np.ndarray) -> None:
    values = np.zeros((40, 60), np.float32)
    values[0, :3] = -0.9, -0.3, 0.9
    picture = Overlay(threshold=0.4)(explanation(photo, values, evidence="signed"))
    changed = (picture != photo).any(axis=-1)
    assert changed[0, :3].tolist() == [True, False, True]


@pytest.mark.parametrize("shape", [(40, 60), (1, 1), (1, 2000), (2000, 1), (3, 5)])
def test_without_words_the_picture_keeps_its_size(shape: tuple[int, int]) -> None:
    e = explanation(np.zeros((*shape, 3), np.uint8), np.ones(shape, np.float32))
    for renderer in (Overlay(), Heatmap()):
        assert renderer(e).shape == (*shape, 3)
        assert renderer(e).dtype == np.uint8


@pytest.mark.parametrize("shape", [(40, 60), (1, 1), (1, 2000), (2000, 1), (500, 700)])
def test_with_words_small_pictures_are_enlarged_and_all_is_on_a_white_page(shape: tuple[int, int]) -> None:
    e = explanation(np.zeros((*shape, 3), np.uint8), np.ones(shape, np.float32))
    picture = Overlay(title=True, colorbar=True)(e)
    assert picture.shape[0] > max(shape[0], 12)
    assert picture.shape[1] >= max(320, shape[1])
    edge = np.concatenate([picture[:3].ravel(), picture[-3:].ravel(), picture[:, :3].ravel()])
    assert (edge == 255).all()


def test_min_size_enlarges_in_whole_steps(photo: np.ndarray, heat: np.ndarray) -> None:
    picture = Overlay(min_size=100, alpha=0.0)(explanation(photo, heat))
    assert np.array_equal(picture, photo.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("evidence", ["for", "against", "signed"])
@pytest.mark.parametrize("shape", [(300, 400), (8, 8), (1, 2000), (200, 3)])
def test_a_blank_map_shows_the_picture_and_says_so(shape: tuple[int, int], evidence: str) -> None:
    grey = np.full((*shape, 3), 90, np.uint8)
    for by_value in (True, False):
        e = explanation(grey, np.zeros(shape, np.float32), evidence=evidence)
        picture = Overlay(by_value=by_value)(e)
        rest = (picture != 90).any(axis=-1)
        assert rest.any(), "there is no note"
        assert not rest[0].all(), "the picture is not shown"
    if shape == (300, 400):
        assert picture.shape == (300, 400, 3)
        assert np.array_equal(picture[:250], grey[:250])
        assert picture[250:].max() == 255, "white letters"


@pytest.mark.parametrize("label", HOSTILE)
def test_class_names_are_shown_verbatim(photo: np.ndarray, heat: np.ndarray, label: str) -> None:
    e = explanation(photo, heat, label=label, layer=layer("$\\frac{", (7, 7)), method_title="$x$^_")
    other = Overlay(title=True)(attrs.evolve(e, target=attrs.evolve(e.target, label="tiger cat")))
    assert not np.array_equal(Overlay(title=True)(e), other)


def test_a_name_too_long_for_the_page_is_cut(photo: np.ndarray, heat: np.ndarray) -> None:
    short = Overlay(title=True, colorbar=True)(explanation(photo, heat))
    long = Overlay(title=True, colorbar=True)(explanation(photo, heat, label="cat " * 500))
    assert short.shape == long.shape


def test_users_matplotlib_settings_do_not_matter(photo: np.ndarray, heat: np.ndarray) -> None:
    e = explanation(photo, heat, label="price_$5_vs_$6")
    before = Overlay(title=True)(e)
    with matplotlib.rc_context({"text.usetex": True, "text.parse_math": True, "font.size": 40}):
        from visioncam_viz.drawing import text

        text.mask.cache_clear()
        assert np.array_equal(Overlay(title=True)(e), before)


def test_an_unknown_colormap_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(NameNotFoundError, match=r"unknown colormap 'virdis'; did you mean 'viridis'"):
        Overlay(colormap="virdis")
    with pytest.raises(NameNotFoundError, match=r"'infrno'.*'inferno'"):
        Heatmap(colormap="infrno")
    assert Heatmap(colormap="Viridis")


@pytest.mark.parametrize("options", [{"alpha": 1.5}, {"alpha": float("nan")}, {"threshold": -0.1}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        Overlay(**options)


def test_nothing_given_is_changed_and_nothing_given_is_returned(photo: np.ndarray, heat: np.ndarray) -> None:
    large = np.tile(photo, (8, 8, 1))
    for given, values in ((photo, heat), (large, np.zeros(large.shape[:2], np.float32))):
        e = explanation(given, values)
        before = given.copy(), values.copy()
        for renderer in (Overlay(), Overlay(alpha=0.0), Heatmap(title=True, colorbar=True)):
            picture = renderer(e)
            assert not np.shares_memory(picture, given)
            picture[:] = 0
        assert np.array_equal(given, before[0])
        assert np.array_equal(values, before[1])
    photo.setflags(write=False)
    heat.setflags(write=False)
    Overlay(title=True)(explanation(photo, heat))


def test_values_that_are_not_finite_count_as_no_evidence(photo: np.ndarray) -> None:
    values = np.full((40, 60), np.nan, np.float32)
    values[0, 0] = 1
    picture = Overlay()(explanation(photo, values))
    assert np.array_equal(picture[1:], photo[1:])


def test_threads_give_equal_pictures(photo: np.ndarray, heat: np.ndarray) -> None:
    jobs = [explanation(photo, heat, label=f"class {n % 8}", probability=n % 8 / 9) for n in range(64)]
    renderer = Overlay(title=True, colorbar=True)
    expected = [renderer(e) for e in jobs[:8]]
    from visioncam_viz.drawing import text

    for cache in (text.mask, text.width_of):
        cache.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        for n, picture in enumerate(pool.map(renderer, jobs)):
            assert np.array_equal(picture, expected[n % 8])


def test_the_registry_lists_the_renderers_and_their_alias() -> None:
    registry = Registry(("visioncam_viz.plugin",), discover=False)
    names = [row.name for row in registry.renderers()]
    assert names[0] == "overlay"
    assert {"heatmap", "sheet", "spotlight", "masked", "contour", "signed", "boxes"} <= set(names)
    assert registry.renderer("saliency").cls is Overlay
    assert registry.make_renderer("Saliency", {"alpha": 1})[1] == Overlay(alpha=1.0)


def test_rendering_never_imports_pyplot_and_listing_imports_no_matplotlib() -> None:
    code = """
import sys
from visioncam_core.plugins.registry import Registry
rows = Registry(("visioncam_viz.plugin",), discover=False).renderers()
assert "matplotlib" not in sys.modules and "cv2" not in sys.modules
import numpy as np
from helpers.viz import comparison, explanation
e = explanation(np.zeros((9, 9, 9), np.uint8), np.ones((9, 9, 9), np.float32))
for row in rows:
    if row.name not in ("regions", "bars"):  # of methods that have regions
        row.cls()(comparison(e) if row.name == "sheet" else e)
e.render(title=True, colorbar=True)
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    path = [str(folder) for folder in sys.path]
    program = f"import sys; sys.path[:0] = {path!r}\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
