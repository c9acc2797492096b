"""`visioncam evaluate`: a table, files, conditions and exit codes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers.cli import run
from PIL import Image

from visioncam_engines.tensorflow.testing.keras_models import planted_blob


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, three pictures with a bright blob, and their boxes."""
    root = tmp_path_factory.mktemp("evaluate")
    planted_blob().save(root / "blob.keras")
    (root / "photos").mkdir()
    lines = ["name,left,top,right,bottom"]
    for i, left in enumerate((4, 16, 28)):
        pixels = np.full((24, 40), 3, np.uint8)
        pixels[8:16, left : left + 8] = 230
        Image.fromarray(pixels).save(root / "photos" / f"{i}.png")
        lines.append(f"{i}.png,{left},8,{left + 8},16")
    (root / "boxes.csv").write_text("\n".join(lines) + "\n")
    return root


QUICK = ("--steps", "3", "--seeds", "1", "--cascade", "1", "--methods", "gradcam", "--preprocess", "unit")


def test_a_table_a_file_and_a_condition(folder: Path, tmp_path: Path) -> None:
    asked = (
        "evaluate",
        folder / "photos",
        "--model",
        folder / "blob.keras",
        "--boxes",
        folder / "boxes.csv",
        *QUICK,
    )
    metrics = ("--metrics", "pointing_game,energypointinggame,deletion")
    done = run(*asked, *metrics, "-o", tmp_path / "e.csv", "--fail-if", "pointing game < 0.6", "--recommend")
    assert done.code == 0, done.stderr
    told, same = done.stderr.splitlines()
    assert "a softmax was applied" in told  # its model ends in logits
    assert same.endswith("to it they are one picture, perhaps shifted")
    verdict, *why = done.stdout.splitlines()[1:5]
    assert verdict == "No method is named: too few pictures to tell"
    assert "of 1 candidate, fewer than 6 pictures seldom show one" in " ".join(why)
    assert "Randomised model " in done.stdout
    assert "cost of a map" not in done.stdout
    rows = list(csv.DictReader((tmp_path / "e.csv").read_text().splitlines()))
    (hit,) = [r for r in rows if (r["method"], r["metric"]) == ("gradcam", "pointinggame")]
    assert float(hit["value"]) == 1
    every = run(*asked, *metrics, "--details").stdout
    assert "deletion at features: mean [95 % interval] of n pictures" in every
    assert "cost of a map at features" in every
    failed = run(*asked, *metrics, "--fail-if", "energy < 1.1", "--json")
    assert failed.code == 3
    assert "energypointinggame is" in failed.stderr
    (line,) = failed.data["held"]
    assert line.startswith("Grad-CAM at features: energypointinggame is ")
    assert {one["method"] for one in failed.data["results"]} >= {"random", "gaussian", "sobel", "fakecam"}


def test_a_report_has_the_table_and_the_curves(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "e.html"
    asked = ("evaluate", folder / "photos", "--model", folder / "blob.keras", *QUICK)
    done = run(*asked, "--metrics", "deletion,insertion,randomisation", "-o", page)
    assert done.code == 0, done.stderr
    text = page.read_text("utf-8")
    assert text.index("No method is named") < text.index("Which map can be trusted") < text.index("Overview")
    for heading in (
        "Which map can be trusted",
        "Curves at features",
        "Ranking at features",
        "Sanity check at",
        "maps of the first picture",
    ):
        assert heading in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fail-if", "pointing is low"), "cannot be read"),
        (("--metrics", "deletoin"), "did you mean 'deletion'"),
        (("-o", "x.xlsx"), "must end in one of"),
        (("--steps", "0"), "between 1 and"),
        (("--boxes", "none.csv"), "the boxes in 'none.csv' cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    folder: Path, words: tuple[str, ...], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "visioncam_core.pipeline.models.open_model", lambda *_, **__: pytest.fail("the model was opened")
    )
    done = run("evaluate", folder / "photos", *words)
    assert done.code == 2
    assert told in done.message


def test_a_picture_that_cannot_be_read_is_named_and_the_rest_measured(folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for one in (folder / "photos").iterdir():
        (photos / one.name).write_bytes(one.read_bytes())
    (photos / "bad.png").write_text("no picture")
    done = run(
        "evaluate", photos, "--model", folder / "blob.keras", *QUICK, "--metrics", "complexity", "--json"
    )
    assert done.code == 3
    assert list(done.data["failures"]) == ["bad.png"]
    assert done.data["pictures"] == ["0.png", "1.png", "2.png"]
