"""The report as a file: whole, small, harmless whatever things are called, made by one call or command."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.cli import run
from helpers.report import HOSTILE, Seen, page, photo_row
from helpers.viz import comparison, explanation, layer
from PIL import Image

import visioncam
from visioncam.html_report.content import photo_of
from visioncam.html_report.data_uris import map_uri
from visioncam.html_report.page import Fact, clean
from visioncam.html_report.sections import Cell, Chart, Picture, Ranking, Section, Table
from visioncam_core.errors import ImageError, NameNotFoundError, OptionTypeError, OutputError
from visioncam_core.results.data import Prediction
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.provenance import weights_digest
from visioncam_engines.tensorflow.engine import TensorFlowEngine
from visioncam_engines.tensorflow.testing.keras_models import gap_dense

NINE = tuple("ABCDEFGHI")


@pytest.fixture
def model() -> Any:
    return gap_dense(np.array([[1, 0, 2], [0, 1, 0], [3, -1, 0]]), grid=(8, 8), activation="softmax")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
    return path


def harmless(html: str, scripts: int = 1) -> Seen:
    """Check that a page runs nothing but our script, asks for nothing, and return what is in it."""
    seen = Seen(html)
    assert len(seen.named("script")) == scripts
    for tag, attributes in seen.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("src", "href", "srcset", "action", "data", "poster", "formaction"):
            address = attributes.get(name) or "#"
            assert address.startswith(("#", "data:image/webp;base64,")), (tag, address[:60])
    assert not seen.named("iframe", "object", "embed", "link", "form", "base", "use")
    (policy,) = [meta["content"] for meta in seen.named("meta") if meta.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    unquoted = [
        tag
        for tag in re.findall(r"<[a-z][^<>]*>", re.sub(r'"[^"]*"', '""', html))
        if re.search(r"=[^\"]", tag)
    ]
    assert not unquoted
    return seen


@pytest.mark.parametrize("word", HOSTILE)
def test_whatever_things_are_called_it_is_only_text(word: str) -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    row = photo_row(
        picture,
        word,
        (word, "B"),
        ((0.5, 0.5), (0.2, 0.2)),
        predictions=(Prediction(1, word, 0.5),),
        layer=layer(word),
        options={"o": word},
        diagnostics=(Diagnostic(word, word, word),),
        provenance={"source": word},
    )
    row = attrs.evolve(row, failures={word: word})
    made = photo_of([row])
    assert made is not None
    lines = {word: ([0, 1], [0, 1])}
    cells = [[word, Cell(word, word, 1.0)]]
    parts = [
        Table([word], cells, word, foot=cells, folded=True), Chart(lines, word, word, word),
        Ranking([(word, 0.0, 0.5, 1.0, True)], caption=word), Picture(picture, word, word),
    ]  # fmt: skip
    section = Section(word, word, parts)
    seen = harmless(
        page([made], title=word, failures={word: word}, facts=[Fact(word, word)], sections=[section]).html()
    )
    assert seen.text.count(word) > 20, "it is not shown as it is"
    assert [image["alt"] for image in seen.named("img") if image["alt"] == word]


def test_sections_that_lead_stand_before_the_photos() -> None:
    made = photo_of([photo_row(np.zeros((20, 30, 3), np.uint8), "a", ("A",), ((0.5, 0.5),))])
    assert made is not None
    html = page([made], sections=[Section("last"), Section("first", leads=True)]).html()
    order = ["<h2>first</h2>", 'class="tools"', 'id="overview"', 'id="photos"', "<h2>last</h2>", 'id="every"']
    assert sorted(order, key=html.index) == order


def test_the_check_for_harm_can_fail() -> None:
    picture = np.zeros((20, 30, 3), np.uint8)
    made = photo_of([photo_row(picture, "a", ("A",), ((0.5, 0.5),))])
    assert made is not None
    html = page([made]).html()
    harmless(html)
    for bad in (
        "<script>1</script>",
        '<b onclick="x">',
        '<img src="https://example.org/">',
        "<b id=x>",
        '<p style="x">',
    ):
        with pytest.raises(AssertionError):
            harmless(html.replace("</main>", bad + "</main>"))


def test_names_that_no_file_can_hold_are_cleaned() -> None:
    assert clean("a\x00b\x1b[31m\udcff\u202ec\tä\n") == "a\ufffdb\ufffd[31m\ufffd\ufffdc\tä\n"
    made = photo_of([photo_row(np.zeros((20, 30, 3), np.uint8), "\ud800x", ("A",), ((0.5, 0.5),))])
    assert made is not None
    page([made], title="\udc80").html().encode("utf-8")


def test_ten_photos_and_nine_methods_are_small(examples: Path) -> None:
    photos = []
    rng = np.random.default_rng(0)
    for number in range(10):
        name = ("chelsea.png", "coffee.png", "rocket.jpg")[number % 3]
        with Image.open(examples / name) as image:
            picture = np.asarray(image.convert("RGB"))
        picture = np.roll(picture, 37 * number, axis=1)
        places = tuple((float(y), float(x)) for y, x in rng.random((9, 2)))
        rows = [photo_row(picture, "first", NINE, places, provenance={"source": name})]
        made = photo_of(rows)
        assert made is not None
        photos.append(made)
    html = page(photos).html()
    assert 300_000 < len(html.encode()) < 2_000_000
    assert len([image for image in harmless(html).named("img") if image.get("data-method")]) == 90


@pytest.mark.parametrize("signed", [False, True])
def test_a_maps_values_survive_its_encoding(signed: bool) -> None:
    y, x = np.mgrid[0:100, 0:150]
    heat = (np.sin(x / 25) * np.cos(y / 20)).astype(np.float32)
    heat = heat if signed else np.abs(heat)
    data = base64.b64decode(map_uri(heat, signed).partition(",")[2])
    with Image.open(io.BytesIO(data)) as image:
        back = np.asarray(image.convert("L"), np.float32) / 255
    back = 2 * back - 1 if signed else back
    assert back.shape == heat.shape
    assert np.abs(back - heat).mean() < (0.02 if signed else 0.01)
    assert np.abs(back - heat).max() < 0.1


def test_one_call_makes_a_report(model: Any, photo: Path, tmp_path: Path) -> None:
    out = visioncam.report(
        model, [photo, photo], tmp_path / "out.html", ["gradcam", "hirescam"], targets="top2",
        class_names=["cat", "dog", "<b>bird"], preprocess="unit", seed=7,
        sections=[Section("More", "Words.")],
    )  # fmt: skip
    html = out.read_text("utf-8")
    seen = harmless(html)
    digest = weights_digest(TensorFlowEngine(), model)
    for word in (
        "photo.png",
        "40 × 30",
        "<b>bird",
        "Grad-CAM",
        "HiResCAM",
        digest,
        "features",
        "More",
        "Words.",
    ):
        assert word in seen.text, word
    assert str(tmp_path) not in html
    assert len(seen.named("article")) == 2
    views = [one["value"] for one in seen.named("input") if str(one.get("name")).startswith("view-1")]
    assert views == ["0", "1"]
    assert re.search(r"Seed\s*7", seen.text)
    assert [one.name for one in tmp_path.iterdir() if one.suffix != ".png"] == ["out.html"]


def test_layers_are_views_and_signals_are_drawn(tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((24, 2))
    hidden = keras.layers.Conv1D(4, 3, name="one", activation="relu")(inputs)
    hidden = keras.layers.Conv1D(4, 3, name="two", activation="relu")(hidden)
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling1D()(hidden))
    signal = np.random.default_rng(0).random((24, 2), np.float32)
    out = visioncam.report(
        keras.Model(inputs, outputs), signal, tmp_path / "out.html", "gradcam", layers=["one", "two"]
    )
    seen = harmless(out.read_text("utf-8"))
    maps = [image for image in seen.named("img") if image.get("data-method")]
    assert [(one["data-view"], one["data-kind"]) for one in maps] == [("0", "drawn"), ("1", "drawn")]


@pytest.mark.parametrize("shape", [(1, 2000), (2000, 1), (1, 1), (40, 60)])
def test_blank_maps_and_photos_of_any_shape_are_shown(shape: tuple[int, int]) -> None:
    e = explanation(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.float32))
    made = photo_of([comparison(e, attrs.evolve(e, method="b", heatmap=np.ones(shape, np.float32)))])
    assert made is not None
    blank, full = made.views[0].maps
    assert (blank.area, blank.boxes) == (0.0, ())
    assert full.area == 1.0
    assert made.views[0].correlation is None
    seen = harmless(page([made]).html())
    (image,) = [one for one in seen.named("img") if one.get("class") == "shown"]
    assert all(1 <= int(str(image[side])) <= 560 for side in ("width", "height"))


def test_the_digest_is_of_the_weights(model: Any, tmp_path: Path) -> None:
    import keras

    before = weights_digest(TensorFlowEngine(), model)
    model.save(tmp_path / "m.keras")
    assert weights_digest(TensorFlowEngine(), keras.saving.load_model(tmp_path / "m.keras")) == before
    kernel = model.weights[0]
    kernel.assign(kernel + 1e-6)
    assert weights_digest(TensorFlowEngine(), model) != before


def test_bad_calls_say_what_is_wrong_and_write_nothing(model: Any, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"'out\.pdf' \('\.pdf'\); end it with \.html"):
        visioncam.report(model, photo, tmp_path / "out.pdf")
    with pytest.raises(OutputError, match="does not exist"):
        visioncam.report(model, photo, tmp_path / "no" / "out.html", "gradcam")
    with pytest.raises(NameNotFoundError, match="'virdis'; did you mean 'viridis'"):
        visioncam.report(model, photo, tmp_path / "out.html", colormap="virdis")
    with pytest.raises(OptionTypeError, match="target and targets were both given"):
        visioncam.report(model, photo, tmp_path / "out.html", target=0, targets=[1])
    with pytest.raises(OptionTypeError, match="received str"):
        visioncam.report(model, photo, tmp_path / "out.html", sections=["words"])  # type: ignore[list-item]
    with pytest.raises(OptionTypeError, match="received dict"):
        Section("a", parts=[{}])
    with pytest.raises(ImageError, match="empty list"):
        visioncam.report(model, [], tmp_path / "out.html")
    assert [one.name for one in tmp_path.iterdir()] == ["photo.png"]


def test_charts_leave_out_what_is_not_finite() -> None:
    chart = Chart({"a": ([0, 1, 2], [0.0, float("nan"), 1.0]), "b": ([], [])})
    assert chart.points("a").count(",") == 2
    assert chart.points("b") == ""
    assert chart.limits() == (0.0, 2.0, 0.0, 1.0)
    assert Chart({}).limits() == (0.0, 1.0, 0.0, 1.0)


def test_a_band_surrounds_its_line_and_counts_for_the_limits() -> None:
    chart = Chart(
        {"a": ([0, 1], [2.0, 3.0]), "b": ([0, 1], [2.0, 2.0])}, bands={"a": ([1.0, 2.0], [3.0, 5.0])}
    )
    assert chart.limits() == (0.0, 1.0, 1.0, 5.0)
    left, right, low, high = (
        chart.points("a").split()[i].split(",")[j] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))
    )
    corners = [corner.split(",") for corner in chart.area("a").split()]
    assert [x for x, _ in corners] == [left, right, right, left]
    assert float(corners[0][1]) > float(low) > float(corners[3][1])
    assert float(corners[1][1]) > float(high) > float(corners[2][1])
    assert chart.area("b") == ""


def test_the_command(model: Any, photo: Path, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    out = tmp_path / "new" / "report.html"
    words = ["--model", tmp_path / "m.keras", "--methods", "gradcam,xgradcam", "--targets", "0,2"]
    words += ["--title", "Ward <7>", "--preprocess", "unit", "--json"]
    done = run("report", out, photo, tmp_path / "bad.png", *words)
    assert done.code == 3
    assert done.data["files"] == [str(out)]
    assert list(done.data["failures"]) == [str(tmp_path / "bad.png")]
    html = out.read_text("utf-8")
    seen = harmless(html)
    assert "Ward <7>" in seen.text
    assert "bad.png" in seen.text
    assert str(tmp_path) not in html
    assert len([image for image in seen.named("img") if image.get("data-method")]) == 4
    wrong = run("report", tmp_path / "x.txt", photo)
    assert wrong.code == 2
    assert "end it with .html" in wrong.message
