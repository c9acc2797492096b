"""Plugins on the command line: files that are named, the contract kit, strict settings, those that print."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.cli import run
from helpers.fake_plugins import fake
from helpers.plugins import install

from visioncam.cli.plugin_files import named
from visioncam_core.plugins.default import BUILTINS, use_registry
from visioncam_core.plugins.registry import Registry

pytest_plugins = ("helpers.cli_files",)

SOURCE = fake("good") / "fake_good.py"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    with use_registry(Registry(BUILTINS)):
        yield


@pytest.fixture
def file(here: Path) -> Path:
    """Return a plugin in the current folder, by its relative path."""
    path = Path("my_cam.py")
    text = SOURCE.read_text("utf-8").replace(
        "evidence**self.power", "evidence.activations[..., 0] * self.power"
    )
    path.write_text(text, "utf-8")
    return path


def test_a_named_file_is_used(file: Path, files: Path) -> None:
    flag = ("--plugin-file", file)
    assert "goodcam" in run("methods", *flag).stdout
    assert "goodsheet" in run("renderers", *flag).stdout
    (row,) = [one for one in run("plugins", *flag, "--json").data["plugins"] if one["name"] == "my_cam"]
    assert (row["distribution"], row["status"], row["file"]) == ("local", "loaded", str(file.resolve()))
    assert "goodcam --power" in " ".join(run("explain", "--help", *flag).stdout.split())


@pytest.mark.parametrize("place", ["before", "after", "joined"])
def test_its_options_are_flags_wherever_it_is_named(file: Path, files: Path, place: str) -> None:
    words = [
        "explain",
        files / "cat.png",
        "--model",
        files / "tiny.keras",
        "--method",
        "goodcam",
        "--power",
        "2",
    ]
    flag = [f"--plugin-file={file}"] if place == "joined" else ["--plugin-file", file]
    words = [*flag, *words] if place == "before" else [*words, *flag]
    done = run(*words, "--layer", "good:0", "--json")
    assert done.code == 0, done.stderr
    (result,) = done.data["results"]
    assert (result["method"], result["options"]) == ("goodcam", {"power": 2.0})


def test_compare_has_it_too(file: Path, files: Path) -> None:
    done = run(
        "compare", files / "cat.png", "--model", files / "tiny.keras", "--methods", "gradcam,goodcam",
        "--plugin-file", file, "-o", "sheet.png", "--json",
    )  # fmt: skip
    assert done.code == 0, done.stderr
    assert [one["method"] for one in done.data["results"]] == ["gradcam", "goodcam"]
    assert Path("sheet.png").is_file()


def test_without_its_name_no_file_is_loaded(file: Path) -> None:
    assert "goodcam" not in run("methods").stdout
    assert not [one for one in run("plugins", "--json").data["plugins"] if one["distribution"] == "local"]


def test_a_file_that_cannot_be_used_ends_the_run(file: Path) -> None:
    done = run("methods", "--plugin-file", "none.py")
    assert done.code == 2
    assert "there is no plugin file 'none.py' (looked in " in done.message
    file.write_text("import nothing_of_the_kind")
    done = run("methods", "--plugin-file", file)
    assert done.code == 1
    assert (
        "failed at stage 'import': ModuleNotFoundError: No module named 'nothing_of_the_kind'" in done.message
    )
    assert done.stdout == ""
    assert "requires an argument" in run("methods", "--plugin-file").message


def test_which_words_name_files() -> None:
    assert named(["methods", "--plugin-file", "a.py", "--plugin-file=b.py", "--plugin-file", "a.py"]) == [
        "b.py",
        "a.py",
    ]
    assert named(["explain", "--", "--plugin-file", "a.py"]) == []
    assert named(["explain", "--plugin-file"]) == []


# ---- the contract kit


def test_check_runs_the_kit_on_what_strangers_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "prints")
    done = run("plugins", "--check", "--json")
    assert done.code == 3
    checks = {(one["name"], one["check"]): one["message"] for one in done.data["checks"]}
    assert {name for name, _ in checks} == {"printscam", "nothing"}  # not the built-ins
    assert "standard output (return, do not print" in checks["printscam", "leaves-the-program-alone"]
    assert "has no equation" in checks["printscam", "docstring"]
    assert checks["printscam", "shape"] == ""
    assert "returned None" in checks["nothing", "picture"]
    text = run("plugins", "--check").stdout
    assert "method printscam of fake-prints: docstring" in text
    assert f"of {len(checks)} checks passed" in text


def test_check_asks_selectors_what_is_not_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "selector_greedy", "selector_raises", "good")
    done = run("plugins", "--check", "--traceback", "--json")
    assert done.code == 3
    checks = {
        (one["distribution"], one["check"]): (one["message"], one["traceback"])
        for one in done.data["checks"]
        if one["kind"] == "selector"
    }
    kinds = {"hook", "refuses", "leaves-others-alone", "other-tables", "same-answer-twice"}
    assert {check for _, check in checks} == kinds | {"through-the-registry"}  # no one knows its own queries
    assert {checks["fake-good", kind] for kind in kinds} == {("", "")}
    message, where = checks["fake-selector-greedy", "leaves-others-alone"]
    assert "answered 'auto', which is not its query; return None" in message
    assert where == ""
    message, where = checks["fake-selector-raises", "leaves-others-alone"]
    assert "raised RuntimeError on 'auto', which is not its query" in message
    assert 'raise RuntimeError(f"boom about {query}")' in where
    assert where in run("plugins", "--check", "--traceback").stdout.replace("\n    ", "\n")
    assert "Traceback" not in run("plugins", "--check").stdout


def test_check_shows_where_a_method_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong only when it is run is found before it is used, with its traceback on request."""
    install(monkeypatch, "bad_runs")
    text = run("plugins", "--check", "--traceback").stdout
    assert "method raises of fake-bad-runs: finite" in text
    assert 'raise RuntimeError("boom\\nwhile running")' in text
    assert "exits raised SystemExit on random pictures: 5" in text
    assert "method nan of fake-bad-runs: finite" in text
    assert "renderer drawraises of fake-bad-runs: picture" in text


def test_check_with_nothing_to_check_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    done = run("plugins", "--check")
    assert done.code == 0
    assert "0 of 0 checks passed" in done.stdout


# ---- strict settings


def test_strict_settings_fail_every_command_and_plugins_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "raises")
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    done = run("methods")
    assert done.code == 1
    assert "boom on import" in done.message
    listed = run("plugins", "--traceback")
    assert listed.code == 1
    assert 'raise RuntimeError("boom on import")' in listed.stdout
    assert "VISIONCAM_STRICT_PLUGINS is set, and 1 of " in listed.message


def test_strict_settings_do_not_mind_what_works_or_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "good", "raises")
    monkeypatch.setenv("VISIONCAM_STRICT_PLUGINS", "1")
    monkeypatch.setenv("VISIONCAM_PLUGINS", "good")
    for command in ("methods", "plugins"):
        done = run(command)
        assert (done.code, done.stderr) == (0, "")


# ---- those that print


def test_data_stays_data_though_a_plugin_prints(
    monkeypatch: pytest.MonkeyPatch, files: Path, here: Path
) -> None:
    install(monkeypatch, "prints")
    listed = run("methods", "--json")
    assert "printscam" in [one["name"] for one in listed.data["methods"]]
    assert "hello from fake_prints" in listed.stderr
    done = run(
        "explain", files / "cat.png", "--model", files / "tiny.keras", "--method", "printscam", "--json"
    )
    assert done.code == 0, done.stderr
    assert done.data["results"][0]["method"] == "printscam"
    assert "the score is" in done.stderr
