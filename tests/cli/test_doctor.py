"""`visioncam doctor`: the whole report as words and as data, and a command that works."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import Any

from helpers.cli import run

pytest_plugins = ("helpers.cli_files",)


def test_the_report_is_told_whole(files: Path, here: Path) -> None:
    done = run("doctor", files / "tiny.keras", files / "cat.png", "--class-names", files / "names.txt")
    assert (done.code, done.stderr) == (0, "")
    labels = [line[2:11].strip() for line in done.stdout.splitlines()[1:]]
    for label in ("model", "input", "range", "output", "score", "layer", "gradient", "map", "class", "use"):
        assert labels.count(label) == 1, label
    assert list(here.iterdir()) == []


def test_the_report_as_data_and_a_suggestion_that_works(files: Path, here: Path) -> None:
    asked = ("--method", "smoothgradcamplusplus", "--n", "3", "--geometry", "tile", "--seed", "5")
    done = run("doctor", "--model", files / "tiny.keras", files / "cat.png", *asked, "--json")
    assert (done.code, done.stderr) == (0, "")
    data = done.data
    assert data["healthy"] is (data["diagnostics"] == [])
    assert set(data["facts"]) >= {"model", "input", "output", "score", "layer", "map"}
    command = shlex.split(data["suggestion"]["command"])
    assert command[:2] == ["visioncam", "explain"]
    assert "tile" in command
    again = run(*command[1:], "--json")
    assert again.code == 0, again.stderr
    (result,) = again.data["results"]
    for same in ("method", "options", "target", "score", "heatmap"):
        assert result[same] == data["result"][same]


def test_the_suggestion_reads_the_model_as_it_was_read(files: Path, here: Path) -> None:
    checksum = hashlib.sha256((files / "tiny.keras").read_bytes()).hexdigest()
    done = run("doctor", files / "tiny.keras", files / "cat.png", "--sha256", checksum, "--json")
    command = shlex.split(done.data["suggestion"]["command"])
    assert command[command.index("--sha256") + 1] == checksum


def test_what_is_wrong_is_named_and_the_code_is_0(files: Path, here: Path, plugins: Any) -> None:
    done = run("doctor", files / "dead.keras", files / "cat.png")
    assert (done.code, done.stderr) == (0, "")
    assert "note" in done.stdout
    assert "fix: " in done.stdout
    assert "--evidence signed" in done.stdout.splitlines()[-1]
    assert run("doctor", files / "dead.keras", files / "cat.png", "--json").data["healthy"] is False


def test_names_that_are_too_many(files: Path) -> None:
    assert "received 3 names" in run("doctor", "a", "b", "c").message
    assert "named twice" in run("doctor", "a.keras", files / "cat.png", "--model", "b.keras").message
    assert "'no.png': no such file" in run("doctor", "no.keras", "no.png").message
