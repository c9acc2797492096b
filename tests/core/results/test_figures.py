"""Figures for papers, maps on the user's own axes, colour maps as objects, and tables for documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.cli import run
from helpers.viz import comparison, explanation, gaussian
from matplotlib import colormaps
from matplotlib.figure import Figure
from PIL import Image

from visioncam_core.errors import NameNotFoundError, OptionError, OptionTypeError
from visioncam_core.results.comparison import Comparison, Comparisons
from visioncam_core.results.data import TargetInfo
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.formats.tables import latex, markdown

pytest_plugins = ("helpers.cli_files",)

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
HOSTILE = ("$x_1$ {a} \\b", "\ud800", "a\0b\x1b[31m", "<b>&amp;", "one\ntwo", "x" * 400)


@pytest.fixture
def e() -> Explanation:
    return explanation(PHOTO, gaussian((40, 60), (10, 20), 6), provenance={"source": "/home/ada/cat.jpg"})


@pytest.fixture
def c(e: Explanation) -> Comparison:
    other = attrs.evolve(e, method="hirescam", method_title="HiResCAM")
    return comparison(e, other, seconds={"gradcam": 0.5}, passes={"gradcam": 1200}, failures={"bad": "why"})


def images_in(svg: str) -> int:
    return svg.count("<image ")


def test_a_figure_has_text_frame_and_the_map_at_its_own_pixels(e: Explanation, tmp_path: Path) -> None:
    svg = e.save(tmp_path / "e.svg", width_cm=10).read_text()
    assert f'width="{10 / 2.54 * 72:.6f}pt"' in svg
    for words in ("tiger cat (282), 38.5%", "Grad-CAM", "Evidence for the target"):
        assert f">{words}</text>" in svg
    assert images_in(svg) == 2, "the map, and the colour bar"
    assert "/home" not in svg
    pdf = e.save(tmp_path / "e.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/Subtype /Type3" not in pdf
    assert b"/FontFile2" in pdf
    assert b"/Width 360" in pdf, "40 × 60 enlarged to at least 320 pixels, none resampled"
    assert pdf == e.save(tmp_path / "f.pdf").read_bytes(), "no time, no random names"
    bare = e.save(tmp_path / "bare.svg", title=False, colorbar=False).read_text()
    assert (images_in(bare), "<text" in bare) == (1, False)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_dpi_and_width_make_a_figure_of_a_picture(e: Explanation, suffix: str, tmp_path: Path) -> None:
    path = e.save(tmp_path / f"e{suffix}", "heatmap", width_cm=5.08, dpi=150, colormap="viridis")
    with Image.open(path) as image:
        assert image.width == 300
        if suffix == ".png":
            assert image.info["dpi"][0] == pytest.approx(150, abs=0.1)
            assert (image.info["Title"], image.info["Source"]) == ("Grad-CAM: tiger cat (282)", "cat.jpg")


def test_a_large_picture_gets_no_more_pixels_than_dpi_asks(tmp_path: Path) -> None:
    large = explanation(np.zeros((900, 1200, 3), np.uint8), np.ones((900, 1200), np.float32))
    large.save(tmp_path / "e.svg", dpi=50, width_cm=5.08, colorbar=False)
    text = (tmp_path / "e.svg").read_text()
    assert 'width="1200' not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_any_class_name_makes_a_figure(e: Explanation, name: str, tmp_path: Path) -> None:
    odd = attrs.evolve(e, target=TargetInfo(7, name, None, name), evidence="signed")
    for suffix in (".pdf", ".svg", ".png"):
        assert odd.save(tmp_path / f"e{suffix}", dpi=100).stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"width_cm": 0}, "width_cm"),
        ({"dpi": 3}, "dpi"),
        ({"colormap": "nope"}, "unknown colormap 'nope'"),
        ({"alpha": 3}, "alpha"),
        ({"treshold": 1}, "'threshold'"),
    ],
)
def test_bad_options_are_named_and_nothing_is_written(
    e: Explanation, options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises((OptionError, OptionTypeError, NameNotFoundError), match=words):
        e.save(tmp_path / "e.pdf", **options)
    assert not list(tmp_path.iterdir())


def test_signals_and_volumes_make_figures(tmp_path: Path) -> None:
    for shape in ((50,), (6, 20, 20)):
        one = explanation(np.zeros(shape, np.float32), np.ones(shape, np.float32))
        assert one.save(tmp_path / "e.pdf").read_bytes().startswith(b"%PDF")


def test_plots_lie_on_the_users_own_axes_with_a_colour_bar(e: Explanation, c: Comparison) -> None:
    figure = Figure()
    mine, other = figure.subplots(1, 2)
    assert e.plot(mine, colormap="viridis") is mine
    assert mine.get_title() == "tiger cat (282), 38.5%\nGrad-CAM"
    assert not other.images
    (bar,) = [ax for ax in figure.axes if ax not in (mine, other)]
    assert bar.get_ylabel() == "Evidence for the target"
    np.testing.assert_array_equal(
        mine.images[0].get_array()[0], e.render(colormap="viridis", min_size=320)[0]
    )
    figure = Figure()
    axes = figure.subplots(1, 3)
    assert c.plot(axes, title=False) == list(axes)
    np.testing.assert_array_equal(axes[0].images[0].get_array()[::6, ::6], PHOTO)
    assert len(figure.axes) == 4
    assert len(c.plot(Figure().subplots(2), colorbar=False)) == 2
    for bad in (Figure().subplots(1, 4), [1, 2]):
        with pytest.raises(OptionError, match="axes takes 3 Matplotlib axes, the photo's first, or 2"):
            c.plot(bad)
    with pytest.raises(OptionTypeError, match=r"plt.subplots\(\)"):
        e.plot("here")  # type: ignore[arg-type]


def test_without_axes_a_plot_takes_pyplots(e: Explanation, c: Comparison) -> None:
    from matplotlib import pyplot

    before = pyplot.get_backend()
    pyplot.switch_backend("agg")
    try:
        assert e.plot(colorbar=False) is pyplot.gca()
        assert len(c.plot()) == 3
    finally:
        pyplot.close("all")
        pyplot.switch_backend(before)


def test_a_colour_map_may_be_matplotlibs_object(e: Explanation, c: Comparison) -> None:
    viridis = colormaps["viridis"]
    for renderer in ("overlay", "heatmap", "contour"):
        named = e.render(renderer, colormap="viridis", colorbar=True)
        np.testing.assert_array_equal(e.render(renderer, colormap=viridis, colorbar=True), named)
    np.testing.assert_array_equal(c.sheet(colormap=viridis), c.sheet(colormap="viridis"))
    with pytest.raises(OptionTypeError, match="colormap"):
        e.render("overlay", colormap=3)


def test_a_figure_of_comparisons_has_each_photo_once(c: Comparison, tmp_path: Path) -> None:
    egyptian = TargetInfo(285, "Egyptian cat", 0.363, "Egyptian cat (285)")
    again = attrs.evolve(c, explanations=tuple(attrs.evolve(e, target=egyptian) for e in c))
    both = Comparisons([c, again], each=2)
    svg = both.save(tmp_path / "c.svg", width_cm=17).read_text()
    assert images_in(svg) == 1 + 4 + 1
    assert "Egyptian cat" in svg
    assert "HiResCAM" in svg
    sheet = both.sheet(tile=64)
    apart = Comparisons([c, attrs.evolve(again, explanations=tuple(
        attrs.evolve(e, picture=PHOTO.copy()) for e in again))], each=1).sheet(tile=64)  # fmt: skip
    assert sheet.shape == apart.shape
    photo = slice(-78, -40), slice(36, 100)
    assert (sheet[photo] == 255).all()
    assert not (apart[photo] == 255).all()
    with pytest.raises(OptionTypeError, match="'agreement' is an option of the drawn sheet"):
        both.save(tmp_path / "d.pdf", agreement=True)
    with pytest.raises(OptionError, match="columns"):
        both.save(tmp_path / "d.pdf", columns=-1)
    with pytest.raises(OptionError, match="no method gave a map"):
        attrs.evolve(c, explanations=()).save(tmp_path / "d.pdf")


def test_the_command_line_writes_figures(files: Path, here: Path) -> None:
    model = ["--model", files / "tiny.keras"]
    done = run("explain", files / "cat.png", *model, "-o", here / "e.pdf", "--save-option", "width_cm=12")
    assert done.code == 0, done.stderr
    assert (here / "e.pdf").read_bytes().startswith(b"%PDF")
    done = run("compare", files / "cat.png", *model, "--methods", "gradcam,hirescam", "-o", here / "c.svg")
    assert done.code == 0, done.stderr
    assert ">HiResCAM</text>" in (here / "c.svg").read_text()


def test_a_comparison_is_a_plain_table(c: Comparison) -> None:
    frame = c.to_dataframe()
    assert len(frame) == 3
    assert frame.failure.tolist() == ["", "", "why"]
    assert not frame.map(lambda cell: isinstance(cell, (list, dict, tuple))).any(axis=None)
    assert c.to_markdown().splitlines()[2] == (
        "| Grad-CAM | tiger cat | logit 8.25 | top_activation | 1,200 | 0.500 |"
    )
    assert r"Grad-CAM & tiger cat & logit 8.25 & top\_activation & 1,200 & 0.500 \\" in c.to_latex()


def test_tables_escape_what_their_language_reads() -> None:
    assert markdown(["a|b", "c"], [["d\ne", 1]]) == "| a\\|b | c |\n| --- | --- |\n| d e | 1 |"
    text = latex(["a_b", "50 % ↑"], [["\\x{y}~^#&$", "●1"]])
    assert text.splitlines()[0] == r"\begin{tabular}{lr}"
    assert r"a\_b & 50 \% $\uparrow$ \\" in text
    assert r"\textbackslash{}x\{y\}\textasciitilde{}\textasciicircum{}\#\&\$ & $\bullet$1 \\" in text
