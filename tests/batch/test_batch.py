"""Runs over many pictures: what is written, continued, refused, and what becomes of bad pictures."""

from __future__ import annotations

import json
import re
import resource
import tarfile
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from helpers.batch import COUNT, contents, make_pictures, tiny_model
from PIL import Image

import visioncam
from visioncam.batch.jsonl import read_lines
from visioncam.batch.request import RunRequest
from visioncam.batch.write import Writing
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ImageError, LayerError, OutputError, TargetError, UnsafeModelError
from visioncam_core.pipeline.request import Request

pytest_plugins = ("helpers.batch_fixtures",)


def lines(folder: Path, name: str = "manifest.jsonl") -> list[dict[str, Any]]:
    found, torn = read_lines(folder / name)
    assert not torn
    return found


def test_every_picture_has_its_map_its_picture_and_one_line(
    model: Any, pictures: Path, tmp_path: Path
) -> None:
    summary = visioncam.explain_dataset(model, pictures, tmp_path / "out")
    assert (summary.done, summary.skipped, summary.failures) == (COUNT, 0, 0)
    found = lines(tmp_path / "out")
    assert [line["key"] for line in found] == [f"{n:04d}.png" for n in range(COUNT)]
    one = visioncam.explain(model, pictures / "0003.png")
    line = found[3]
    npz, png = line["files"]
    with np.load(tmp_path / "out" / npz) as arrays:
        np.testing.assert_allclose(arrays["raw"], one.raw, rtol=1e-5, atol=1e-7)
        assert json.loads(str(arrays["about"]))["provenance"]["source"] == "0003.png"
    with Image.open(tmp_path / "out" / png) as picture:
        assert np.abs(np.asarray(picture, int) - one.render()).max() <= 1
    assert line["class"] == one.target.index
    assert line["score"] == pytest.approx(one.score, rel=1e-5)
    assert [box["area"] for box in line["boxes"]] == [box.area for box in one.boxes()]


def test_a_run_says_what_it_spent_its_time_on(model: Any, pictures: Path, tmp_path: Path) -> None:
    summary = visioncam.explain_dataset(model, pictures, tmp_path)
    assert set(summary.waits) == {"explaining", "decoding", "writing"}
    assert 0 < sum(summary.waits.values()) < summary.seconds
    shares = [int(share) for share in re.findall(r"(\d+)% ", summary.profile)]
    assert len(shares) == 4
    assert sum(shares) == pytest.approx(100, abs=2)


def test_a_finished_run_asks_the_model_nothing(model: Any, pictures: Path, tmp_path: Path) -> None:
    visioncam.explain_dataset(model, pictures, tmp_path)
    before, files = COUNTERS.snapshot(), contents(tmp_path)
    summary = visioncam.explain_dataset(model, pictures, tmp_path)
    assert (summary.done, summary.skipped) == (0, COUNT)
    assert COUNTERS.snapshot() == before
    assert contents(tmp_path) == files


@pytest.mark.parametrize(
    "damage", ["line torn", "file lost", "file cut", "manifest gone", "manifest empty", "line doubled"]
)
def test_only_what_is_missing_is_done_again(model: Any, pictures: Path, tmp_path: Path, damage: str) -> None:
    visioncam.explain_dataset(model, pictures, tmp_path)
    files, manifest = contents(tmp_path), tmp_path / "manifest.jsonl"
    whole = manifest.read_bytes()
    victim = next(iter(lines(tmp_path)[4]["files"]))
    (tmp_path / ".tmp-0123456789abcdef.npz").write_bytes(b"half")
    if damage == "line torn":
        manifest.write_bytes(whole[:-30])
    elif damage == "file lost":
        (tmp_path / victim).unlink()
    elif damage == "file cut":
        (tmp_path / victim).write_bytes(files[victim][:-10])
    elif damage == "line doubled":
        manifest.write_bytes(whole + whole.splitlines(keepends=True)[2])
    elif damage == "manifest empty":
        manifest.write_bytes(b"")
    else:
        manifest.unlink()
    summary = visioncam.explain_dataset(model, pictures, tmp_path)
    assert summary.done == {"manifest gone": COUNT, "manifest empty": COUNT, "line doubled": 0}.get(damage, 1)
    assert contents(tmp_path) == files
    assert sorted(manifest.read_bytes().splitlines()) == sorted(whole.splitlines())
    assert any("removed 1 temporary" in note for note in summary.notes)
    told = {"manifest gone": "there is no manifest", "manifest empty": "the manifest is empty"}.get(damage)
    assert [note for note in summary.notes if "everything" in note] == (
        [f"{told}: everything is redone"] if told else []
    )


def test_bytes_depend_on_neither_workers_nor_resume_and_maps_not_on_the_batch(
    model: Any, pictures: Path, tmp_path: Path
) -> None:
    visioncam.explain_dataset(model, pictures, tmp_path / "a")
    done: list[object] = []

    def interrupt(event: dict[str, Any]) -> None:
        done.append(event)
        if len(done) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        visioncam.explain_dataset(model, pictures, tmp_path / "b", workers=1, progress=interrupt)
    assert len(lines(tmp_path / "b")) == 4
    summary = visioncam.explain_dataset(model, pictures, tmp_path / "b", workers=4)
    assert (summary.done, summary.skipped) == (COUNT - 4, 4)
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    assert sorted(map(str, lines(tmp_path / "b"))) == sorted(map(str, lines(tmp_path / "a")))
    visioncam.explain_dataset(model, pictures, tmp_path / "c", batch_size=3, save_as="npz")
    for name in contents(tmp_path / "c"):
        with np.load(tmp_path / "a" / name) as was, np.load(tmp_path / "c" / name) as now:
            assert np.abs(was["raw"]).max() > 0
            np.testing.assert_allclose(now["raw"], was["raw"], atol=1e-5 * np.abs(was["raw"]).max())


def test_another_question_is_refused_with_what_changed(model: Any, pictures: Path, tmp_path: Path) -> None:
    visioncam.explain_dataset(model, pictures, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(OutputError, match=r"changed: method: was 'gradcam', now 'xgradcam'\. .*--force"):
        visioncam.explain_dataset(model, pictures, tmp_path, "xgradcam")
    with pytest.raises(OutputError, match=r"target: was None, now 1.*20 finished pictures again"):
        visioncam.explain_dataset(model, pictures, tmp_path, target=1)
    with pytest.raises(LayerError, match="no layer 'nope'"):
        visioncam.explain_dataset(model, pictures, tmp_path, layer="nope", force=True)
    assert visioncam.explain_dataset(model, pictures, tmp_path).skipped == COUNT  # nothing was lost by it
    assert contents(tmp_path) == before
    summary = visioncam.explain_dataset(model, pictures, tmp_path, target=1, force=True)
    assert summary.done == COUNT
    assert "20 finished pictures are redone; changed: target: was None, now 1" in summary.notes
    assert {line["class"] for line in lines(tmp_path)} == {1}


def test_another_model_is_refused(model: Any, pictures: Path, tmp_path: Path) -> None:
    import keras

    visioncam.explain_dataset(model, pictures, tmp_path, save_as="npz")
    other = keras.models.clone_model(model)
    with pytest.raises(OutputError, match="changed: model: was 'memory sha256"):
        visioncam.explain_dataset(other, pictures, tmp_path, save_as="npz")


def test_a_changed_picture_is_refused_and_done_again_by_force(model: Any, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 5)
    visioncam.explain_dataset(model, folder, tmp_path / "out")
    Image.new("RGB", (8, 9), "red").save(folder / "0002.png")
    make_pictures(tmp_path / "new", 1)
    (tmp_path / "new" / "0000.png").rename(folder / "added.png")
    with pytest.raises(OutputError, match=r"changed: picture '?0002\.png"):
        visioncam.explain_dataset(model, folder, tmp_path / "out")
    summary = visioncam.explain_dataset(model, folder, tmp_path / "out", force=True)
    assert (summary.done, summary.skipped) == (2, 4)
    assert any("0002.png" in note for note in summary.notes)
    assert len(lines(tmp_path / "out")) == 6


def test_what_happens_to_files_meanwhile_is_told_and_mended_by_the_next_run(
    model: Any, tmp_path: Path
) -> None:
    folder, other = make_pictures(tmp_path / "in", 60), make_pictures(tmp_path / "new", 2, seed=5)

    def meanwhile(event: dict[str, Any]) -> None:
        if event["event"] == "done" and (other / "0001.png").exists():
            (folder / "0050.png").unlink()
            (other / "0000.png").rename(folder / "0051.png")
            (other / "0001.png").rename(folder / "added.png")

    out = tmp_path / "out"
    small = {"batch_size": 2, "workers": 1}  # little is read ahead, so the changes come in time
    summary = visioncam.explain_dataset(model, folder, out, save_as="npz", progress=meanwhile, **small)
    assert (summary.done, summary.failures) == (58, 2)
    errors = {line["key"]: line["message"] for line in lines(out, "errors.jsonl")}
    assert [*errors] == ["0050.png", "0051.png"]
    assert "no such file" in errors["0050.png"]
    assert "was replaced during the run; run the same command again" in errors["0051.png"]
    again = visioncam.explain_dataset(model, folder, out, save_as="npz")  # not refused, no --force
    assert (again.done, again.skipped, again.failures) == (2, 58, 0)
    assert {line["key"] for line in lines(out)} == {path.name for path in folder.iterdir()}
    assert [line["key"] for line in lines(out, "errors.jsonl")] == ["0050.png"]


def test_bad_pictures_are_lines_of_errors_and_tried_again_alone(model: Any, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 12)
    (folder / "0003x.png").write_text("no picture")
    (folder / "0005x.jpg").touch()
    whole = (folder / "0007.png").read_bytes()
    (folder / "0007.png").write_bytes(whole[:200])
    summary = visioncam.explain_dataset(model, folder, tmp_path / "out")
    assert (summary.done, dict(summary.failed)) == (11, {"ImageError": 3})
    errors = lines(tmp_path / "out", "errors.jsonl")
    assert [line["key"] for line in errors] == ["0003x.png", "0005x.jpg", "0007.png"]
    assert "is not an image" in errors[0]["message"]
    assert not any(str(tmp_path) in line["message"] for line in errors)
    (folder / "0007.png").write_bytes(whole)
    again = visioncam.explain_dataset(model, folder, tmp_path / "out")
    assert (again.done, again.skipped, again.failures) == (1, 11, 2)
    assert [line["key"] for line in lines(tmp_path / "out", "errors.jsonl")] == ["0003x.png", "0005x.jpg"]


def test_too_many_errors_end_the_run_with_what_is_done_kept(model: Any, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 8)
    for number in range(5):
        (folder / f"1{number}.png").write_text("bad")
    summary = visioncam.explain_dataset(model, folder, tmp_path / "out", max_errors=2)
    assert summary.stopped == "more than 2 pictures failed (--max-errors)"
    assert (summary.done, summary.failures) == (8, 3)


def test_a_class_of_each_row_and_an_unknown_one_costs_one_picture(model: Any, tmp_path: Path) -> None:
    folder = make_pictures(tmp_path / "in", 9)
    rows = "".join(f"{n:04d}.png,{77 if n == 4 else n % 3}\n" for n in range(9))
    (folder / "list.csv").write_text("image,class\n" + rows)
    summary = visioncam.explain_dataset(model, folder / "list.csv", tmp_path / "out")
    assert (summary.done, dict(summary.failed)) == (8, {"TargetError": 1})
    assert [line["class"] for line in lines(tmp_path / "out")] == [0, 1, 2, 0, 2, 0, 1, 2]
    assert "class index 77 is out of range" in lines(tmp_path / "out", "errors.jsonl")[0]["message"]
    with pytest.raises(TargetError, match="77"):
        visioncam.explain_dataset(model, folder, tmp_path / "all", target=77)


def test_a_tar_archive_and_a_dataset_give_what_the_folder_gives(
    model: Any, pictures: Path, tmp_path: Path
) -> None:
    import tensorflow as tf

    paths = sorted(pictures.iterdir())[:6]
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for path in paths:
            archive.add(path, path.name)
            (tmp_path / "x.cls").write_text("2")
            archive.add(tmp_path / "x.cls", f"{path.stem}.cls")
    assert visioncam.explain_dataset(model, tmp_path / "a.tar", tmp_path / "tar").done == 6
    assert visioncam.explain_dataset(model, paths, tmp_path / "list", target=2).done == 6
    assert contents(tmp_path / "tar") == contents(tmp_path / "list")
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    dataset = tf.data.Dataset.from_tensor_slices((pixels, np.zeros(6))).batch(4)
    assert visioncam.explain_dataset(model, dataset, tmp_path / "tf", target=2, save_as="npz").done == 6
    names = sorted(contents(tmp_path / "tf"))
    assert names[1].startswith("000000001-")
    with np.load(tmp_path / "tf" / names[1]) as tf_map:
        other = next(
            name for name in contents(tmp_path / "list") if name.startswith("0001") and "npz" in name
        )
        with np.load(tmp_path / "list" / other) as file_map:
            np.testing.assert_array_equal(tf_map["raw"], file_map["raw"])
    assert visioncam.explain_dataset(model, dataset, tmp_path / "tf", target=2, save_as="npz").skipped == 6
    with pytest.raises(OutputError, match="000000000"):
        visioncam.explain_dataset(model, pixels[::-1], tmp_path / "tf", target=2, save_as="npz")


def test_a_full_disk_stops_at_once_and_the_next_run_completes(
    model: Any, pictures: Path, tmp_path: Path
) -> None:
    visioncam.explain_dataset(model, pictures, tmp_path / "whole", save_as="npz")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 * 450, hard))  # the manifest is full after a few lines
    try:
        summary = visioncam.explain_dataset(model, pictures, tmp_path / "out", save_as="npz")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert summary.stopped.startswith("no space left (cannot write 'manifest.jsonl'")
    assert 0 < summary.done < COUNT
    assert len(lines(tmp_path / "out")) == summary.done
    again = visioncam.explain_dataset(model, pictures, tmp_path / "out", save_as="npz")
    assert again.skipped == summary.done
    assert {one["key"] for one in lines(tmp_path / "out")} == {path.name for path in pictures.iterdir()}
    for name, payload in contents(tmp_path / "out").items():
        assert payload == (tmp_path / "whole" / name).read_bytes()


def test_an_empty_folder_and_a_single_picture_are_errors(model: Any, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no picture in"):
        visioncam.explain_dataset(model, tmp_path, tmp_path / "out")
    with pytest.raises(ImageError, match="is a single picture; use `visioncam explain"):
        visioncam.explain_dataset(model, pictures / "0000.png", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_worker_opens_no_other_model_than_the_checksum_says(tmp_path: Path) -> None:
    tiny_model().save(tmp_path / "tiny.keras")
    request = RunRequest.of(tmp_path / "tiny.keras", Request.of(["gradcam"], {}), Writing(tmp_path), 2)
    assert request.explainer().model.name == "tiny"
    with pytest.raises(UnsafeModelError, match="it is a different model and was not loaded"):
        attrs.evolve(request, sha256="0" * 64).explainer()
