"""What a run will cost is said before it takes its time; short runs say nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from helpers.cli import run

import visioncam
from visioncam.cli import foretell
from visioncam.cli.foretell import cost_in_words, cost_of
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.pipeline.request import Request, one_pass
from visioncam_engines.keras.files.load import load_model

pytest_plugins = ("helpers.cli_files",)

SLOW = ("scorecam", "ablationcam", "smoothgradcamplusplus", "layerintegratedgradients", "reciprocam", "rise",
        "occlusion", "kernelshap", "lime", "smoothgrad", "integratedgradients")  # fmt: skip


@pytest.mark.parametrize("method", SLOW)
def test_the_counted_passes_are_those_of_the_run(method: str, files: Path) -> None:
    model = load_model(files / "tiny.keras")
    found = visioncam.compare(model, files / "cat.png", [method])
    explainer = visioncam.explainer(model, method)
    before = COUNTERS.snapshot()
    passes, seconds = cost_of(explainer, str(files / "cat.png"))
    assert sum((COUNTERS.snapshot() - before).values()) <= 5, "the methods themselves run nothing"
    assert passes == pytest.approx(found.passes[method], rel=0.15, abs=2)  # type: ignore[union-attr]
    assert seconds > 0


def line_of(command: tuple[Any, ...], files: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr(foretell, "LONG", 0)
    done = run(command[0], *command[1:], "--model", files / "tiny.keras")
    assert done.code == 0, done.stderr
    (line,) = done.stderr.splitlines()
    count = re.fullmatch(r"visioncam: this will take about ([0-9,]+) passes, \d+ s", line)
    assert count is not None, line
    return int(count[1].replace(",", "")), done.stdout


def test_every_picture_class_and_layer_counts(
    files: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cat = files / "cat.png"
    one, _ = line_of(("explain", cat, "--method", "occlusion"), files, monkeypatch)
    assert line_of(("explain", cat, cat, "--method", "occlusion"), files, monkeypatch)[0] == 2 * one
    assert (
        line_of(("explain", cat, "--method", "occlusion", "--class", "top3"), files, monkeypatch)[0]
        == 3 * one
    )
    several = ("compare", cat, "--methods", "occlusion,gradcam", "--targets", "0,1")
    assert line_of(several, files, monkeypatch)[0] == 2 * one
    assert line_of(("report", "r.html", cat, "--methods", "occlusion"), files, monkeypatch)[0] == one


def test_short_runs_and_gradients_say_nothing(
    files: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (files / "cat.png", "--model", files / "tiny.keras")
    assert run("explain", *words, "--method", "scorecam").stderr == ""
    monkeypatch.setattr(foretell, "LONG", 0)
    assert run("explain", *words).stderr == ""


def test_an_evaluation_counts_its_randomised_copies(
    files: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "photos").mkdir()
    (here / "photos" / "cat.png").write_bytes((files / "cat.png").read_bytes())
    monkeypatch.setattr(foretell, "LONG", 0)
    words = ("photos", "--model", files / "tiny.keras", "--methods", "occlusion", "--metrics", "complexity")
    done = run("evaluate", *words, "--seeds", 2)
    assert done.stderr.startswith("visioncam: the maps alone will take about 192 passes, ")
    assert cost_in_words(90_000.4, 605) == "90,000 passes, 10 minutes"


def test_a_report_has_the_methods_of_one_pass(files: Path, here: Path) -> None:
    words = ("report", "r.html", files / "cat.png", "--model", files / "tiny.keras")
    done = run(*words, "--json")
    assert done.data["methods"] == one_pass() == [
        "gradcam", "gradcamplusplus", "gradcamelementwise", "hirescam", "respondcam", "xgradcam"
    ]  # fmt: skip
    assert "6 methods that need one pass; --methods all for the paper's nine" in run(*words).stdout
    assert run(*words, "--methods", "all", "--json").data["methods"] == [
        spec.name for spec in visioncam.methods() if spec.in_all
    ]
    assert "of one pass" not in run(*words, "--method", "gradcam").stdout
    model = load_model(files / "tiny.keras")
    page = visioncam.report(model, files / "cat.png", here / "p.html").read_text("utf-8")
    assert 'data-method="hirescam"' in page
    assert 'data-method="scorecam"' not in page
    assert len(Request.of(one_pass(), {}).methods) == 6
