"""Strangers' names in runs and reports, on real files: one result each, in its folder; nothing raw."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from helpers.batch import make_pictures, tiny_model
from helpers.cli import Ended, run, run_alone
from helpers.report import Seen
from PIL import Image

from visioncam.batch.file_names import file_names
from visioncam.batch.jsonl import read_lines

ODD = [
    "-rf.png", "CON.png", "nul.tar.png", "a:b?.png", "x" * 251 + ".png", "😀" * 60 + ".png", "end. .png",
    "new\nline.png", "\x1b[31mred.png", "\udcff.png", "...png", "a\u202eb.png", "<script>.png", "$5_$6.png",
]  # fmt: skip
ALIKE = ["a.png", "A.png", "a.jpg", "sub/a.png", "\u00e9.png", "e\u0301.png"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    tiny_model().save(path)
    return path


def odd_pictures(folder: Path) -> list[str]:
    """Make a picture of each odd name that this file system can hold, and return the names."""
    made = []
    for name in [*ODD, *ALIKE]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            Image.new("RGB", (20, 30), (len(made) * 9, 90, 10)).save(path, "PNG")
        except (OSError, ValueError):
            continue
        made.append(name)
    (folder / ".hidden.png").write_bytes(b"no picture")
    return [name for name in made if not name.startswith(".")]


def quiet_about(done: Ended) -> None:
    for text in (done.stdout, done.stderr):
        assert not {"\x1b", "\u202e", "\udcff"} & set(text)


def test_each_odd_name_has_one_result_in_the_folder(network: Path, tmp_path: Path) -> None:
    names = odd_pictures(tmp_path / "in")
    assert len(names) > 15
    (tmp_path / "in" / "bad\x1b[31m.png").write_bytes(b"no picture")
    out = tmp_path / "in" / "out"
    words = ["batch", tmp_path / "in", "-o", out, "--model", network, "--recursive", "--save-as", "png"]
    done = run(*words)
    assert done.code == 3
    quiet_about(done)
    assert "bad" in done.message
    lines, torn = read_lines(out / "manifest.jsonl")
    assert (sorted(line["key"] for line in lines), torn) == (sorted(names), 0)
    files = [name for line in lines for name in line["files"]]
    assert len(files) == len({unicodedata.normalize("NFC", name).casefold() for name in files}) == len(names)
    for name in files:
        assert (out / name).resolve().parent == out.resolve()
        with Image.open(out / name) as picture:
            assert picture.size == (20, 30)
    again = run(*words)
    assert f"{len(names)} finished before" in again.stdout
    assert "0 explained" in again.stdout, "its own results are no pictures of the run"


def test_links_that_were_planted_lead_nowhere(network: Path, tmp_path: Path) -> None:
    pictures = make_pictures(tmp_path / "in", 1)
    outside = tmp_path / "outside"
    outside.mkdir()
    secret = outside / "secret"
    secret.write_text("mine")
    (name,) = file_names("0000.png", "gradcam", {".png": ("",)})
    words = ["batch", pictures, "--model", network, "--save-as", "png", "-o"]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).symlink_to(secret)
    assert run(*words, tmp_path / "a").code == 0
    assert not (tmp_path / "a" / name).is_symlink()
    for planted in ("manifest.jsonl", "errors.jsonl", "run.json"):
        folder = tmp_path / planted.partition(".")[0]
        folder.mkdir()
        (folder / planted).symlink_to(outside / "new")
        (pictures / "0001.png").write_bytes(b"no picture")
        done = run(*words, folder)
        if planted == "manifest.jsonl":
            assert (done.code, "'manifest.jsonl' is a link" in done.stderr) == (2, True)
        else:
            assert done.code == 3
            assert not (folder / planted).is_symlink()
        assert (secret.read_text(), [path.name for path in outside.iterdir()]) == ("mine", ["secret"])
    (pictures / "0001.png").unlink()
    (spread,) = file_names("0000.png", "gradcam", {".png": ("",)}, spread=True)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / spread.partition("/")[0]).symlink_to(outside)
    done = run(*words, tmp_path / "b", "--spread")
    assert done.code != 0
    assert f"'{spread[:2]}' in 'b' is a link" in done.stderr
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_report_of_odd_names_is_text(network: Path, tmp_path: Path) -> None:
    names = odd_pictures(tmp_path / "in")
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "report.html").symlink_to(tmp_path / "secret")
    pictures = [tmp_path / "in" / name for name in names]
    done = run("report", tmp_path / "report.html", *pictures, "--model", network, "--methods", "gradcam")
    assert (done.code, done.stderr) == (0, "")
    quiet_about(done)
    assert (tmp_path / "secret").read_text() == "mine"
    html = (tmp_path / "report.html").read_bytes().decode("utf-8")
    seen = Seen(html)
    assert "<script>.png" in seen.text
    assert "$5_$6.png" in seen.text
    assert not {"\x1b", "\u202e"} & set(html)
    shown = [image for image in seen.named("img") if image.get("data-method")]
    assert len(shown) == len(names)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that nobody can write into")
def test_a_folder_that_nobody_can_write_into_is_refused_before_anything_is_loaded(
    network: Path, tmp_path: Path
) -> None:
    picture = make_pictures(tmp_path / "in", 1) / "0000.png"
    code = """
import json, sys
from visioncam.cli.main import main
for sys.argv[1:] in json.loads(sys.argv[1]):
    try:
        main()
    except SystemExit as end:
        print(end.code, "tensorflow" in sys.modules)
"""
    calls = [
        ["batch", tmp_path / "in", "-o", "/proc/maps"],
        ["explain", picture, "-o", "/proc/maps"],
        ["report", "/proc/maps/report.html", picture],
    ]
    done = run_alone(json.dumps([[*map(str, words), "--model", str(network)] for words in calls]), code=code)
    assert done.stdout.splitlines() == ["2 False"] * 3, done
    messages = done.stderr.splitlines()
    assert len(messages) == 3
    for message in messages:
        assert message.startswith("visioncam: error: ")
        assert "cannot write into '/proc/maps'" in message
