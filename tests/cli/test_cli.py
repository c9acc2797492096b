"""`visioncam explain` and `compare` as a user meets them: words, files, data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from helpers.cli import run
from helpers.cli_methods import failing
from PIL import Image

import visioncam
from visioncam_engines.keras.files.load import load_model

pytest_plugins = ("helpers.cli_files",)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_explain_says_what_the_model_sees_and_writes_the_picture(files: Path, here: Path) -> None:
    done = run(
        "explain", files / "cat.png", "--model", files / "tiny.keras", "--class-names", files / "names.txt"
    )
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"{files / 'cat.png'} (30×20), {files / 'tiny.keras'}"
    assert [line[:8].strip() for line in lines[1:]] == ["sees", "", "", "layer", "score", "method", "wrote"]
    names = {line[11:].split(" (")[0] for line in lines[1:4]}
    assert names == {"tabby", "espresso", "rocket"}
    assert "← explained" in lines[1]
    assert "features: the last feature map" in lines[4]
    assert "8×8" in lines[4]
    assert "logit" in lines[5]
    assert lines[7].split() == ["wrote", "cat_gradcam.png"]
    assert [path.name for path in here.iterdir()] == ["cat_gradcam.png"]
    assert pixels(here / "cat_gradcam.png").shape == (20, 30, 3)


def test_the_picture_is_the_librarys(files: Path, here: Path) -> None:
    flags = ("--class", "espresso", "--class-names", files / "names.txt", "--method", "Smooth-Grad-CAM++")
    options = ("--sigma", "0.3", "--option", "n=3", "--seed", "7", "--alpha", "0.4", "--no-by-value")
    done = run("explain", files / "cat.png", "--model", files / "tiny.keras", *flags, *options, "-o", "out")
    assert done.code == 0, done.stderr
    model = load_model(files / "tiny.keras")
    e = visioncam.explain(
        model, files / "cat.png", method="smoothgradcamplusplus", target=1, sigma=0.3, n=3, seed=7
    )
    assert isinstance(e, visioncam.Explanation)
    expected = e.render("overlay", alpha=0.4, by_value=False)
    assert np.array_equal(pixels(here / "out" / "cat_smoothgradcamplusplus.png"), expected)
    assert not np.array_equal(e.render("overlay"), expected)


def test_explain_as_data(files: Path, here: Path) -> None:
    done = run(
        "explain", files / "cat.png", "--model", files / "tiny.keras", "--method", "scorecam", "--json"
    )
    assert (done.code, done.stderr) == (0, "")
    (result,) = done.data["results"]
    assert done.data["failed"] == 0
    assert result["image"] == str(files / "cat.png")
    assert result["files"] == ["cat_scorecam.png"]
    assert result["method"] == "scorecam"
    assert result["options"] == {"weights": "softmax", "channels": None, "until": None}
    assert result["layer"] == {
        "path": "features", "kind": "Conv2D", "shape": [8, 8, 4], "grid": [8, 8],
        "why": result["layer"]["why"],
    }  # fmt: skip
    assert result["score_kind"] == "logit"
    assert result["target"]["index"] == result["predictions"][0]["index"]
    assert result["probabilities"] is True
    assert sum(one["value"] for one in result["predictions"]) == pytest.approx(1, abs=1e-5)
    assert result["heatmap"]["shape"] == [20, 30]
    assert 0 <= result["heatmap"]["minimum"] < result["heatmap"]["maximum"] <= 1
    assert result["provenance"]["source"] == "cat.png"


def test_a_picture_that_fails_costs_only_itself(files: Path, here: Path) -> None:
    names = [files / "text.png", files / "cat.png", here / "gone.png"]
    done = run("explain", *names, "--model", files / "tiny.keras", "--json")
    assert done.code == 3
    assert [one["image"] for one in done.data["results"]] == [str(name) for name in names]
    assert ["error" in one for one in done.data["results"]] == [True, False, True]
    assert done.data["failed"] == 2
    first, second = done.stderr.splitlines()
    assert "text.png" in first
    assert "is not an image" in first
    assert "gone.png" in second
    assert "no such file" in second
    assert "1 of 3 pictures explained" in run("explain", *names, "--model", files / "tiny.keras").stdout


def test_no_picture_at_all_is_bad_input(files: Path, here: Path) -> None:
    done = run("explain", files / "text.png", here / "gone.png", "--model", here / "gone.keras", "--json")
    assert done.code == 2
    assert [one["error"]["kind"] for one in done.data["results"]] == ["ImageError", "ImageNotFoundError"]
    assert "keras" not in done.stderr


def test_one_name_twice_gives_two_files(files: Path, here: Path) -> None:
    (here / "CAT.png").write_bytes((files / "cat.png").read_bytes())
    done = run("explain", files / "cat.png", "CAT.png", "CAT.png", "--model", files / "tiny.keras", "--json")
    written = [Path(one["files"][0]) for one in done.data["results"]]
    assert len({path.name.lower() for path in written}) == 3
    assert all(path.is_file() for path in written)


def test_a_picture_is_never_overwritten(files: Path, here: Path) -> None:
    for name in ("cat.png", "cat_gradcam.png"):
        (here / name).write_bytes((files / "cat.png").read_bytes())
    done = run("explain", "cat.png", "cat_gradcam.png", "--model", files / "tiny.keras")
    assert done.code == 0, done.stderr
    assert (here / "cat_gradcam.png").read_bytes() == (files / "cat.png").read_bytes()
    assert len(list(here.iterdir())) == 4


def test_names_cannot_steer_the_terminal(files: Path, here: Path) -> None:
    image = here / "a\x1b[31mb\u202e.png"
    image.write_bytes((files / "cat.png").read_bytes())
    (here / "names.txt").write_text("evil\x1b]0;title\x07\none\ntwo\n")
    asked = ("explain", image.name, "--model", files / "tiny.keras", "--class-names", "names.txt")
    for done in (
        run(*asked),
        run("explain", "no\x1b[31m.png"),
        run(*asked, "--class", "e\x9bvil"),
        run("x\x1b[1m"),
    ):
        shown = done.stdout + done.stderr
        assert shown
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)
    (written,) = here.glob("*gradcam*")
    assert written.name.isprintable()


def test_compare_draws_all_nine(files: Path, here: Path) -> None:
    done = run("compare", files / "cat.png", "--model", files / "tiny.keras")
    assert (done.code, done.stderr) == (0, "")
    titles = [spec.title for spec in visioncam.methods() if spec.in_all]
    assert len(titles) == 9
    rows = [
        line for line in done.stdout.splitlines() if any(line.startswith(f"  {title} ") for title in titles)
    ]
    assert len(rows) == 9
    assert all(float(row.split()[-2]) >= 0 and int(row.split()[-1]) >= 0 for row in rows)
    assert "extra passes" in done.stdout
    assert "wrote    compare.png" in done.stdout
    assert pixels(here / "compare.png").shape[1] > 1000


def test_the_sheet_of_all_methods_scores_64_channels_and_says_so(files: Path, here: Path) -> None:
    keras.utils.set_random_seed(1)
    i = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(80, 3)(i))
    keras.Model(i, keras.layers.Dense(3)(x)).save(here / "wide.keras")
    asked = ("compare", files / "cat.png", "--model", here / "wide.keras")
    few, every = run(*asked), run(*asked, "--methods", "all")
    assert "64 of 80 channels, rank correlation" in few.stdout
    assert "Score-CAM scored the 64 channels that vary most; --methods all scores" in few.stderr
    assert "channels" not in every.stdout + every.stderr


def test_compare_as_data_with_options(files: Path, here: Path) -> None:
    chosen = ("--methods", "gradcam, hires-cam,score-cam", "--weights", "probability", "--columns", "2")
    done = run(
        "compare", files / "cat.png", "--model", files / "tiny.keras", *chosen, "--json", "-o", "new/x.jpg"
    )
    assert (done.code, done.stderr) == (0, "")
    assert [one["method"] for one in done.data["results"]] == ["gradcam", "hirescam", "scorecam"]
    given = {"weights": "probability", "channels": None, "until": None}
    assert [one["options"] for one in done.data["results"]] == [{}, {}, given]
    assert [one["passes"] > 0 for one in done.data["results"]] == [False, False, True]
    assert done.data["files"] == ["new/x.jpg"]
    assert done.data["failures"] == {}
    assert (here / "new" / "x.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_compare_names_what_failed(files: Path, here: Path, plugins: Any) -> None:
    plugins("bad", methods=(failing,))
    asked = ("compare", files / "cat.png", "--model", files / "tiny.keras")
    done = run(*asked, "--methods", "gradcam,failingcam")
    assert done.code == 3
    assert "failingcam" in done.message
    assert "made to fail" in done.message
    assert [line.split()[-1] for line in done.stdout.splitlines() if "failingcam" in line] == ["failed"]
    assert (here / "compare.png").is_file()
    nothing = run(*asked, "--methods", "failingcam", "--json", "-o", "none.png")
    assert nothing.code == 2
    assert "no method gave a map" in nothing.message
    assert nothing.data["error"]["message"] == nothing.message
    assert not (here / "none.png").exists()
