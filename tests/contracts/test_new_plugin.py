"""`visioncam new-plugin`: what it writes is complete, and passes its own tests at once."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from helpers.cli import run
from helpers.installed import put_in, python

from visioncam.new_plugin import KINDS, Names, write_plugin
from visioncam_core.errors import OptionError, OutputError

NAMES = {
    "method": "my-cam", "renderer": "visioncam.TINT", "selector": "deep_layers", "metric": "rank-accuracy",
    "engine": "my-Engine",
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Return a folder with one plugin of each kind, and what makes them installed."""
    folder = tmp_path_factory.mktemp("new")
    paths: list[str] = []
    for kind, name in NAMES.items():
        made = write_plugin(name, folder / kind, kind)
        assert [(folder / kind / path).is_file() for path in made.files] == [True] * len(made.files)
        paths += put_in(folder / kind, folder / "site")
    return folder, paths


def test_every_kind_is_tried() -> None:
    assert set(NAMES) == set(KINDS)


def test_each_kind_passes_its_own_tests_at_once(written: tuple[Path, list[str]]) -> None:
    folder, paths = written
    tests = [folder / kind / "tests" for kind in NAMES]
    options = ("-q", "-p", "no:cacheprovider", "-W", "error", f"--rootdir={folder}")
    done = python("-m", "pytest", *options, *tests, paths=paths, cwd=folder, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_what_was_written_works_on_the_command_line(written: tuple[Path, list[str]]) -> None:
    folder, paths = written
    listed = {
        kind: json.loads(python("-m", "visioncam", kind, "--json", paths=paths, cwd=folder).stdout)[kind]
        for kind in ("methods", "renderers", "metrics", "plugins")
    }
    (method,) = [one for one in listed["methods"] if one["distribution"] == "my-cam"]
    assert (method["name"], method["title"], method["options"][0]["name"]) == ("mycam", "My CAM", "power")
    (renderer,) = [one for one in listed["renderers"] if one["distribution"] == "visioncam.TINT"]
    assert (renderer["name"], renderer["title"]) == ("visioncamtint", "Visioncam TINT")
    named = {one["name"]: one for one in listed["plugins"] if not one["builtin"]}
    strangers = {name: one for name, one in named.items() if one["status"] != "skipped"}
    (metric,) = [one for one in listed["metrics"] if one["distribution"] == "rank-accuracy"]
    assert (metric["name"], metric["title"]) == ("rankaccuracy", "Rank Accuracy")
    assert set(strangers) == {"mycam", "visioncamtint", "deeplayers", "rankaccuracy", "myengine"}
    assert {one["status"] for one in strangers.values()} == {"loaded"}


def test_the_kit_finds_a_fault_put_into_it(written: tuple[Path, list[str]], tmp_path: Path) -> None:
    write_plugin("my-cam", tmp_path / "my-cam")
    source = tmp_path / "my-cam" / "src" / "my_cam" / "method.py"
    text = source.read_text("utf-8")
    assert "ops.mean_space(evidence.gradients)" in text
    source.write_text(
        text.replace("ops.mean_space(evidence.gradients)", "-ops.mean_space(evidence.gradients)")
    )
    paths = put_in(tmp_path / "my-cam", tmp_path / "site")
    done = python(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "evidence or formula", "tests",
        paths=paths, cwd=tmp_path / "my-cam", check=False,
    )  # fmt: skip
    assert done.returncode == 1
    for words in ("MyCAM-finds-the-evidence", "test_formula", "is a sign or an axis wrong?"):
        assert words in done.stdout


def test_no_name_is_left_open(written: tuple[Path, list[str]]) -> None:
    folder, _ = written
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".py", ".toml", ".md"):
            assert "$" not in path.read_text("utf-8"), path
    about = tomllib.loads((folder / "method" / "pyproject.toml").read_text("utf-8"))["project"]
    assert about["name"] == "my-cam"
    assert about["entry-points"]["visioncam"] == {"mycam": "my_cam.plugin"}
    assert about["dependencies"][0].startswith("visioncam>=1.0.0")


def test_the_command_says_what_it_wrote_and_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("new-plugin", "my-cam")
    assert (done.code, done.stderr) == (0, "")
    assert f"wrote {Path('my-cam', 'pyproject.toml')}" in done.stdout
    assert '  python -m pip install -e ".[test]"' in done.stdout
    assert Path("my-cam", "src", "my_cam", "method.py").is_file()
    data = run("new-plugin", "my-cam", "elsewhere/deep", "--kind", "renderer", "--json").data
    assert (data["name"], data["kind"], data["folder"]) == ("my-cam", "renderer", "elsewhere/deep")
    assert all(Path("elsewhere/deep", path).is_file() for path in data["files"])


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        (
            "../evil",
            "method",
            "letters, digits and single dashes, and begins with a letter; received '../evil'",
        ),
        ("my cam", "method", "received 'my cam'; write for example 'my-cam'"),
        ("3cam", "method", "received '3cam'"),
        ("my-", "method", "received 'my-'"),
        ("Grad-CAM", "method", "the method name 'gradcam' is taken by Grad-CAM of visioncam"),
        ("saliency", "renderer", "the renderer name 'saliency' is taken by Overlay of visioncam"),
        ("road", "metric", "the metric name 'road' is taken by ROAD of visioncam"),
        ("black-box", "engine", "the engine name 'blackbox' is taken by"),
        ("class", "method", "the module 'class' is a Python keyword"),
        ("random", "selector", "the module 'random' is a module of the standard library"),
        ("numpy", "renderer", "the module 'numpy' is a module that is installed here"),
        ("visioncam", "method", "the module 'visioncam' is VisionCam's own"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, name: str, kind: str, words: str) -> None:
    done = run("new-plugin", name, tmp_path / "new", "--kind", kind)
    assert done.code == 2
    assert words in done.message
    assert not (tmp_path / "new").exists()


def test_a_renderer_may_have_a_methods_name() -> None:
    assert Names.of("score-cam", "renderer").entry == "scorecam"
    assert Names.of("score-cam", "selector").cls == "ScoreCAM"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists and is not an empty folder; name another one"):
        write_plugin("my-cam", tmp_path)
    with pytest.raises(OutputError, match="exists and is not an empty folder"):
        write_plugin("my-cam", tmp_path / "notes.txt")
    with pytest.raises(OutputError, match=r"cannot be written to .*notes.txt"):
        write_plugin("my-cam", tmp_path / "notes.txt" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "empty").mkdir()
    assert write_plugin("my-cam", tmp_path / "empty").folder == tmp_path / "empty"


def test_an_unknown_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        OptionError, match="'method', 'renderer', 'metric', 'engine', 'selector'; received 'colour'"
    ):
        write_plugin("my-cam", tmp_path / "new", "colour")
