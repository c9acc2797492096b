"""`visioncam verify`: maps of a run are made anew and compared; a changed one is found and named."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.batch import contents, make_pictures, tiny_model
from helpers.cli import run
from PIL import Image

from visioncam.batch.jsonl import encode_line, read_lines

COUNT = 6


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, pictures and a run."""
    root = tmp_path_factory.mktemp("verify")
    tiny_model().save(root / "tiny.keras")
    make_pictures(root / "in" / "sub", COUNT)
    words = ["--method", "xgradcam", "--layer", "features", "--class", "2", "--evidence", "signed"]
    words += ["--recursive", "--batch-size", "4", "--score", "probability", "--model", root / "tiny.keras"]
    assert run("batch", root / "in", "-o", root / "out", *words).code == 0
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """Return a copy that may be damaged."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def changed(path: Path, change: Any) -> None:
    """Change the raw map of an NPZ file."""
    with np.load(path) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    held["raw"] = change(held["raw"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in held.items():
            buffer = io.BytesIO()
            np.save(buffer, values)
            archive.writestr(f"{name}.npy", buffer.getvalue())


def test_a_run_that_nothing_touched_agrees_and_stays_as_it_is(root: Path) -> None:
    before = contents(root / "out", *(path.name for path in (root / "out").iterdir()))
    done = run("verify", root / "out", "--share", "1")
    assert (done.code, done.stderr) == (0, "")
    assert f"{COUNT} of {COUNT} maps recomputed (seed 0): {COUNT} agree; largest difference" in done.stdout
    assert contents(root / "out", *(path.name for path in (root / "out").iterdir())) == before
    drawn = [
        run("verify", root / "out", "--json", "--share", "0.4", "--seed", n).data["checked"]
        for n in (3, 3, 4)
    ]
    assert len(drawn[0]) == 3
    assert len(run("verify", root / "out", "--json").data["checked"]) == 1
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_does_not_agree_is_named(root: Path) -> None:
    lines, _ = read_lines(root / "out" / "manifest.jsonl")
    files = {line["key"]: root / "out" / next(iter(line["files"])) for line in lines}
    keys = sorted(files)
    changed(files[keys[0]], lambda raw: raw * np.float32(1 + 1e-4))
    changed(files[keys[1]], lambda raw: raw * np.float32(1 + 1e-6))  # less than between batch sizes
    changed(files[keys[2]], lambda raw: raw[:-1])
    files[keys[3]].write_bytes(b"no archive")
    Image.new("RGB", (30, 20), "red").save(root / "in" / keys[4])
    (root / "in" / keys[5]).unlink()
    done = run("verify", root / "out", "--share", "1", "--json")
    assert done.code == 3
    problems = done.data["problems"]
    assert keys[1] not in problems
    assert "differs by 1.0e-04 of the maximum" in problems[keys[0]]
    assert "its map was (7, 8), and is (8, 8) now" in problems[keys[2]]
    assert "holds no raw map that can be read" in problems[keys[3]]
    assert "its sha256 is different" in problems[keys[4]]
    assert problems[keys[5]] == "the picture no longer exists"
    assert "1 agree" in run("verify", root / "out", "--share", "1").stdout


def test_another_question_is_no_comparison(root: Path) -> None:
    other = tiny_model()
    other.get_layer("probs").set_weights([w + 0.1 for w in other.get_layer("probs").get_weights()])
    other.save(root / "other.keras")
    done = run("verify", root / "out", "--model", root / "other.keras")
    assert (done.code, "was made with other settings: model: was 'file sha256 " in done.message) == (2, True)
    about = json.loads((root / "out" / "run.json").read_text())
    assert about["places"] == {"source": "../in", "model": "../tiny.keras"}
    for damage in ({"facts": 3}, {"facts": about["facts"] | {"seed": "x"}}, {"facts": {"method": "nope"}}):
        (root / "out" / "run.json").write_bytes(encode_line(about | damage))
        assert run("verify", root / "out").code == 2
    about["facts"]["visioncam"] = "0.0.0"
    (root / "out" / "run.json").write_bytes(encode_line(about | {"places": [], "batch": "x"}))
    assert "name them: visioncam verify OUT SOURCE" in run("verify", root / "out").message
    done = run("verify", root / "out", root / "in", "--model", root / "tiny.keras")
    assert (done.code, "visioncam: was '0.0.0', now" in done.stdout) == (0, True)
    assert "holds no finished run" in run("verify", root / "in", root / "in").message


def test_a_run_without_raw_maps_cannot_be_compared(root: Path) -> None:
    words = ["-o", root / "png", "--save-as", "png", "--model", root / "tiny.keras"]
    assert run("batch", root / "in" / "sub", *words).code == 0
    assert "holds no raw maps: run with --save-as npz" in run("verify", root / "png").message


def test_no_place_tells_the_users_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visioncam.batch.plan import places_of

    monkeypatch.setenv("HOME", "/home/ada")
    assert places_of(Path("/home/ada/maps"), source="/home/ada/in", model=None) == {"source": "../in"}
    assert places_of(Path("/data/maps"), source="/home/ada/in", model="/m.keras") == {
        "model": "../../m.keras"
    }
