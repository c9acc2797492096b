"""Files that an earlier VisionCam wrote stay readable, and its runs go on.

The files are those of `tests/data/saved`, written by VisionCam 1.0.0.dev0 (`make.py` there says how).
What they hold stands in `saved_files.json`:

    REWRITE_CONTRACTS=1 python -m pytest tests/contracts/test_saved_files.py -n 0
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visioncam

FROZEN = Path(__file__).with_name("saved_files.json")
EXPLANATIONS = ("contrast", "fused", "picture", "signal", "signed", "tiled", "volume")
PICTURES = ("one.png", "three.png", "two.png")
TIME = 1_767_225_600 * 10**9  # of the pictures, as `make.py` set it: a run compares it


def array_facts(array: np.ndarray) -> list[Any]:
    return [list(array.shape), str(array.dtype), hashlib.sha256(array.tobytes()).hexdigest()]


def facts(e: visioncam.Explanation) -> dict[str, Any]:
    """Return everything that an explanation tells, as plain data."""
    target, row = e.target, e.layer.row
    return {
        "raw": array_facts(e.raw),
        "heatmap": array_facts(e.heatmap),
        "picture": array_facts(e.picture),
        "target": [target.index, target.name, target.probability, target.label],
        "score": [e.score, e.score_kind],
        "predictions": [[one.index, one.name, one.value] for one in e.predictions],
        "probabilities": e.probabilities,
        "layer": [e.layer.path, list(e.layer.grid), list(e.layer.shape), e.layer.why],
        "row": [row.kind, row.index, list(row.stride), row.reaches_score, row.is_score],
        "method": [e.method, e.method_title, e.options, e.evidence],
        "diagnostics": [[one.code, one.message, one.fix] for one in e.diagnostics],
        "provenance": e.provenance,
        "words": e.text(),
        "line": str(e),
        "boxes": [[box.left, box.top, box.right, box.bottom, box.area] for box in e.boxes()]
        if e.heatmap.ndim == 2
        else [],
    }


@pytest.fixture
def work(saved: Path, tmp_path: Path) -> Path:
    """Return a copy of the files whose pictures have the time that their runs remember."""
    copy = Path(shutil.copytree(saved, tmp_path / "saved"))
    for path in (copy / "pictures").iterdir():
        os.utime(path, ns=(TIME, TIME))
    for name in ("finished", "interrupted"):
        file = copy / name / "run.json"
        about = json.loads(file.read_text("utf-8"))
        about["facts"]["visioncam"] = visioncam.__version__  # a run of another version is refused, rightly
        file.write_text(json.dumps(about), encoding="utf-8")
    return copy


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the results in a folder: bytes and time of each."""
    kinds = (".npz", ".png", ".json")
    found = [path for path in folder.iterdir() if path.suffix in kinds and path.name != "run.json"]
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_saved_explanations_load_with_all_they_told(
    saved: Path, same_as_frozen: Callable[[Path, str], None]
) -> None:
    assert sorted(path.stem for path in (saved / "explanations").glob("*.npz")) == sorted(EXPLANATIONS)
    told = {name: facts(visioncam.load(saved / "explanations" / f"{name}.npz")) for name in EXPLANATIONS}
    same_as_frozen(FROZEN, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_loaded_arrays_are_those_of_the_file(name: str, saved: Path) -> None:
    path = saved / "explanations" / f"{name}.npz"
    loaded = visioncam.load(path)
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(arrays.files) == ["about", "heatmap", "picture", "raw"]
        for array in ("raw", "heatmap", "picture"):
            np.testing.assert_array_equal(getattr(loaded, array), arrays[array], strict=True)


@pytest.mark.parametrize("name", sorted({*EXPLANATIONS} - {"signal"}))
def test_a_loaded_explanation_draws_the_picture_of_then(name: str, saved: Path) -> None:
    loaded = visioncam.load(saved / "explanations" / f"{name}.npz")
    with Image.open(saved / "explanations" / f"{name}.png") as then:
        expected = np.asarray(then.convert("RGB"), np.int16)
    drawn = loaded.render()
    assert drawn.shape == expected.shape
    assert np.abs(drawn - expected).max() <= 2


def test_a_loaded_signal_is_drawn(saved: Path) -> None:
    drawn = visioncam.load(saved / "explanations" / "signal.npz").render("overlay")
    assert drawn.dtype == np.uint8
    assert drawn.std() > 1  # its axes bear text, whose pixels depend on the fonts of the machine


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_a_loaded_explanation_is_saved_again_with_the_same_bytes_inside(
    name: str, saved: Path, tmp_path: Path
) -> None:
    path = saved / "explanations" / f"{name}.npz"
    again = visioncam.load(path).save(tmp_path / path.name)
    with np.load(path) as then, np.load(again) as now:
        assert then.files == now.files
        assert all(then[key].tobytes() == now[key].tobytes() for key in then.files if key != "about")
        assert within(json.loads(str(then["about"])), json.loads(str(now["about"])))


def within(then: Any, now: Any) -> bool:
    """Whether all that an older file says is said again, whatever fields came later."""
    if isinstance(then, dict) and isinstance(now, dict):
        return all(key in now and within(value, now[key]) for key, value in then.items())
    return bool(then == now)


def test_the_raw_map_of_a_run_is_refused_with_the_way_to_read_it(saved: Path) -> None:
    (path, *_) = sorted((saved / "finished").glob("*.npz"))
    with pytest.raises(visioncam.VisionCamError, match="holds the raw map alone"):
        visioncam.load(path)


def batch(run: Callable[..., Any], work: Path, out: str, *words: str) -> Any:
    return run(
        "batch", work / "pictures", "-o", work / out, "--model", work / "model.keras", "--json", *words
    )


EVEN = ("--placement", "stretched")  # as maps were drawn then
FINISHED = ("--method", "xgradcam", "--layer", "late", "--save-as", "npz,png,json", *EVEN)
INTERRUPTED = ("--class", "1", "--save-option", "raw_only=no", "--batch-size", "1", *EVEN)


def test_a_finished_run_is_recognised_and_nothing_is_computed_again(
    work: Path, visioncam_command: Callable[..., Any]
) -> None:
    before, manifest = contents(work / "finished"), (work / "finished/manifest.jsonl").read_bytes()
    done = batch(visioncam_command, work, "finished", *FINISHED)
    assert done.exit_code == 3  # broken.png fails again
    end = json.loads(done.stdout.splitlines()[-1])
    assert (end["done"], end["skipped"], end["failed"]) == (0, 3, {"ImageError": 1})
    assert contents(work / "finished") == before
    assert (work / "finished/manifest.jsonl").read_bytes() == manifest
    (failed,) = lines(work / "finished/errors.jsonl")
    assert (failed["key"], failed["kind"]) == ("broken.png", "ImageError")


def test_a_run_that_was_asked_otherwise_is_refused(work: Path, visioncam_command: Callable[..., Any]) -> None:
    before = contents(work / "finished")
    done = batch(visioncam_command, work, "finished", *FINISHED[2:])
    otherwise = batch(visioncam_command, work, "finished", *FINISHED[:-2])
    assert done.exit_code == 2
    assert "changed: method: was 'xgradcam', now 'gradcam'." in done.stderr
    assert otherwise.exit_code == 2
    assert "changed: placement: was 'stretched', now 'effective'." in otherwise.stderr
    assert contents(work / "finished") == before


def test_a_run_with_maps_spread_evenly_takes_no_others(
    work: Path, visioncam_command: Callable[..., Any]
) -> None:
    before = contents(work / "finished")
    done = batch(visioncam_command, work, "finished", *FINISHED[: -len(EVEN)])
    assert done.exit_code == 2
    assert "changed: placement: was 'stretched', now 'effective'." in done.stderr
    assert contents(work / "finished") == before


def test_an_interrupted_run_goes_on_where_it_was(work: Path, visioncam_command: Callable[..., Any]) -> None:
    before, out = contents(work / "interrupted"), work / "interrupted"
    done = batch(visioncam_command, work, "interrupted", *INTERRUPTED)
    assert done.exit_code == 3
    end = json.loads(done.stdout.splitlines()[-1])
    assert (end["done"], end["skipped"], end["failed"]) == (2, 1, {"ImageError": 1})
    notes = json.loads(done.stdout.splitlines()[0])["notes"]
    assert any("dropped 1 torn lines" in note for note in notes)
    assert any("removed 1 temporary files" in note for note in notes)
    now = contents(out)
    assert {name: now[name] for name in before if not name.startswith(".tmp")} == {
        name: file for name, file in before.items() if not name.startswith(".tmp")
    }
    manifest = lines(out / "manifest.jsonl")
    assert sorted(line["key"] for line in manifest) == sorted(PICTURES)
    assert {name for line in manifest for name in line["files"]} == now.keys()
    for line in manifest:
        (npz,) = (name for name in line["files"] if name.endswith(".npz"))
        assert visioncam.load(out / npz).target.index == line["class"] == 1


def test_a_finished_run_is_verified(work: Path, visioncam_command: Callable[..., Any]) -> None:
    done = visioncam_command("verify", work / "finished", "--share", "1", "--json")
    assert done.exit_code == 0
    data = json.loads(done.stdout)
    assert (data["checked"], data["problems"], data["finished"]) == (list(PICTURES), {}, 3)
    assert data["largest_difference"] <= 1e-5


def test_what_a_run_wrote_keeps_its_form(
    saved: Path, work: Path, visioncam_command: Callable[..., Any]
) -> None:
    """A run of today writes the names, fields and numbers that the run of then wrote."""
    assert batch(visioncam_command, work, "again", *FINISHED).exit_code == 3
    then, now = saved / "finished", work / "again"
    assert {path.name for path in now.iterdir()} == {path.name for path in then.iterdir()}
    about = [json.loads((folder / "run.json").read_text("utf-8")) for folder in (work / "finished", now)]
    about[0]["facts"]["placement"] = "stretched"  # what maps were then
    about[0]["facts"]["target"] = about[0]["facts"].pop("class")  # the one field with a new name
    assert [{**one, "fingerprint": ""} for one in about[:1]] == [
        {**one, "fingerprint": ""} for one in about[1:]
    ]
    by_key = [{line["key"]: line for line in lines(folder / "manifest.jsonl")} for folder in (then, now)]
    assert by_key[0].keys() == by_key[1].keys()
    for key, line in by_key[0].items():
        other = by_key[1][key]
        assert list(line) == list(other)
        assert list(line["files"]) == list(other["files"])
        for field in ("key", "seen", "sha256", "class", "label", "layer", "batch"):
            assert line[field] == other[field]
        assert other["score"] == pytest.approx(line["score"], rel=1e-5)
        (npz,) = (name for name in line["files"] if name.endswith(".npz"))
        with np.load(then / npz) as first, np.load(now / npz) as second:
            assert first.files == second.files
            np.testing.assert_allclose(second["raw"], first["raw"], rtol=1e-4, atol=1e-6)
    errors = [lines(folder / "errors.jsonl")[0] for folder in (then, now)]
    assert [list(one) for one in errors] == [["key", "kind", "message"]] * 2
    assert {(one["key"], one["kind"]) for one in errors} == {("broken.png", "ImageError")}
