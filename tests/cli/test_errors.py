"""How runs of the command end: bad input, faults, interruptions; one line each, and the same as data."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import click
import pytest
from helpers.cli import Ended, run
from helpers.cli_methods import raising

from visioncam.cli.exit import failure_of
from visioncam_core.errors import LayerError, OutputError, PluginError

pytest_plugins = ("helpers.cli_files",)

TINY = ("--model", "{files}/tiny.keras")
CAT = ("explain", "{files}/cat.png", *TINY)
SHEET = ("compare", "{files}/cat.png", *TINY)
LONG = "9" * 5000

BAD = {
    # the picture
    "missing picture": (("explain", "no.png", *TINY), ["'no.png': no such file", "check the path"]),
    "text as picture": (("explain", "{files}/text.png", *TINY), ["text.png'", "is not an image", "PNG"]),
    "folder as picture": (("explain", "{files}", *TINY), ["is a folder"]),
    "url as picture": (("explain", "https://example.org/x.png"), ["URLs are not fetched"]),
    "missing picture of a sheet": (("compare", "no.png", *TINY), ["'no.png': no such file"]),
    # names
    "unknown method": ((*CAT, "--method", "gradcam2"), ["'gradcam2'", "mean 'gradcam'", "'ablationcam'"]),
    "unknown renderer": ((*CAT, "--renderer", "overley"), ["'overley'", "mean 'overlay'", "'heatmap'"]),
    "renderer of sheets": ((*CAT, "--renderer", "sheet"), ["--renderer sheet", "`visioncam compare`"]),
    "sheet in a sheet": ((*SHEET, "--renderer", "sheet"), ["--renderer sheet", "such as overlay"]),
    "unknown method of a sheet": ((*SHEET, "--methods", "gradcam,hirecam"), ["'hirecam'", "'hirescam'"]),
    "no method": ((*SHEET, "--methods", ","), ["--methods names no method, received ','"]),
    "unknown layer": ((*CAT, "--layer", "featurs"), ["no layer 'featurs'", "did you mean 'features'"]),
    "layer without space": ((*CAT, "--layer", "pool"), ["'pool'", "no spatial axes", "'features'"]),
    "layer index": ((*CAT, "--layer", "99"), ["99", "out of range"]),
    "unknown class": (
        (*CAT, "--class", "tabbi", "--class-names", "{files}/names.txt"), ["'tabbi'", "did you mean 'tabby"]
    ),
    "class by name without names": ((*CAT, "--class", "tabby"), ["'tabby'", "pass --class-names"]),
    "class index": ((*CAT, "--class", "3"), ["class index 3 is out of range", "0 to 2"]),
    "negative class": ((*CAT, "--class", "-1"), ["class index -1", "0 to 2"]),
    "class index beyond 64 bits": ((*CAT, "--class", "9" * 30), ["9" * 30, "out of range"]),
    "class index beyond any sense": ((*CAT, "--class", LONG), ["5000 digits"]),
    "unknown output": ((*CAT, "--output", "probe"), ["'probe'", "probs"]),
    # options
    "option of another method": ((*CAT, "--sigma", "1"), ["--sigma", "'gradcam'", "'smoothgradcamplusplus'"]),
    "option of another renderer": (
        (*CAT, "--renderer", "heatmap", "--alpha", "1"), ["--alpha", "'heatmap'", "'overlay'"]
    ),
    "unknown option": (
        (*CAT, "--method", "scorecam", "--option", "weight=x"), ["'weight'", "did you mean 'weights'"]
    ),
    "option without a value": (
        (*CAT, "--method", "scorecam", "--option", "weights"), ["name=value", "'weights'"]
    ),
    "option given twice": (
        (*CAT, "--method", "scorecam", "--weights", "softmax", "--option", "weights=softmax"),
        ["'weights' was given as a flag and as --option"],
    ),
    "none of the choices": (
        (*CAT, "--method", "scorecam", "--weights", "soft"), ["'soft'", "'softmax', 'probability'"]
    ),
    "option out of range": ((*CAT, "--alpha", "1.5"), ["alpha", "between 0 and 1", "1.5"]),
    "option of the wrong type": ((*CAT, "--alpha", "much"), ["alpha", "float", "'much'"]),
    "page option out of range": ((*SHEET, "--tile", "1"), ["tile", "1"]),
    "batch size": ((*CAT, "--batch-size", "0"), ["--batch-size must be between 1 and", "received 0"]),
    "seed": ((*CAT, "--seed", "-1"), ["--seed must be", "received -1"]),
    "no number": ((*CAT, "--seed", "x"), ["'--seed'", "'x'", "`visioncam explain --help`"]),
    "unknown geometry": ((*CAT, "--geometry", "squash"), ["'squash'", "'resize', 'center_crop'"]),
    "unknown score": ((*CAT, "--score", "proba"), ["'proba'", "'probability'"]),
    "missing class names": ((*CAT, "--class-names", "no.txt"), ["'no.txt'", "JSON or text"]),
    # the command line itself
    "unknown flag": ((*CAT, "--metod", "x"), ["--metod", "--method"]),
    "no picture named": (("explain",), ["Missing argument", "`visioncam explain --help`"]),
    "unknown command": (("explian", "x"), ["'explian'", "did you mean 'explain'"]),
    "forgotten command": (("{files}/cat.png",), ["cat.png'", "did you mean `visioncam explain "]),
    # where to write
    "file as folder": ((*CAT, "-o", "{files}/my_module.py"), ["my_module.py'", "it is a file", "-o"]),
    "file as parent": ((*CAT, "-o", "{files}/names.txt/x"), ["names.txt", "it is a file"]),
    "sheet without suffix": ((*SHEET, "-o", "sheet"), ["'sheet' (no suffix)", ".png"]),
    "sheet of unknown suffix": ((*SHEET, "-o", "sheet.gif"), ["'.gif'", ".png, .jpg"]),
    "sheet over the picture": ((*SHEET, "-o", "{files}/cat.png"), ["would be overwritten", "-o"]),
    # the model
    "missing model": (("layers", "no.keras"), ["'no.keras': no such model file"]),
    "missing module": (
        (*CAT, "--custom-objects", "no_such_module"), ["'no_such_module'", "imported", "current folder"]
    ),
    "module as file": ((*CAT, "--custom-objects", "my_layers.py"), ["'my_layers.py'", "write my_layers"]),
}  # fmt: skip


@pytest.mark.parametrize("data", [False, True], ids=["words", "json"])
@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_nothing_is_written(case: str, data: bool, files: Path, here: Path) -> None:
    args, words = BAD[case]
    done = run(*(arg.format(files=files) for arg in args), *(["--json"] if data else []))
    assert done.code == 2
    assert len(done.message) < 400 or case == "class index beyond any sense"
    assert not [word for word in words if word not in done.message], done.message
    assert "a bug in VisionCam" not in done.message
    assert list(here.iterdir()) == []
    if data:
        assert done.data["error"]["message"] == done.message
        assert done.data["error"]["exit_code"] == 2
    else:
        assert done.stdout == ""


def test_what_can_be_known_before_is_told_before_the_model_is_looked_for(files: Path, here: Path) -> None:
    late = {"missing model", "missing module", "module as file", "forgotten command"}
    needs_model = {"unknown layer", "layer without space", "layer index", "unknown output"}
    needs_model |= {name for name in BAD if "class" in name and "digits" not in name and "names" not in name}
    needs_model |= {"class by name without names"}
    needs_model -= {"class index beyond any sense"}
    for case in set(BAD) - late - needs_model:
        args, words = BAD[case]
        done = run(*(arg.format(files=files).replace("tiny.keras", "no.keras") for arg in args))
        assert words[0] in done.message, case


def renders(kind: str, plugins: Any, files: Path, *more: str) -> Ended:
    plugins("raising", renderers=(raising,))
    asked = (
        "explain",
        files / "cat.png",
        "--model",
        files / "tiny.keras",
        "--renderer",
        "raising",
        "--what",
        kind,
    )
    return run(*asked, *more)


def test_a_plugins_fault_is_one_line_and_code_1(files: Path, here: Path, plugins: Any) -> None:
    done = renders("RuntimeError", plugins, files)
    assert done.code == 1
    assert "'raising'" in done.message
    assert "RuntimeError: in the renderer" in done.message


def test_a_fault_of_ours_is_one_line_and_code_1(
    files: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(_: int) -> None:
        raise RuntimeError("what nobody thought of")

    monkeypatch.setattr(os, "fsync", odd)
    done = run("explain", files / "cat.png", "--model", files / "tiny.keras", "--json")
    assert done.code == 1
    assert "a bug in VisionCam (RuntimeError: what nobody thought of); --debug" in done.message
    assert done.data["error"] == {"kind": "RuntimeError", "message": done.message, "exit_code": 1}
    assert list(here.iterdir()) == []


def test_debug_shows_where(files: Path, here: Path, plugins: Any) -> None:
    done = renders("RuntimeError", plugins, files, "--debug")
    assert done.code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "cli_methods.py" in done.stderr


def test_an_interruption_is_code_130(files: Path, here: Path, plugins: Any) -> None:
    done = renders("KeyboardInterrupt", plugins, files, "--json")
    assert done.code == 130
    assert done.message == "interrupted; what was written is intact"
    assert done.data["error"]["kind"] == "Interrupted"
    assert list(here.iterdir()) == []


def test_a_full_disk_stops_the_run(files: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    images = (files / "cat.png", files / "cat.png")
    done = run("explain", *images, "--model", files / "tiny.keras", "--json")
    assert done.code == 4
    assert re.search(r"No space left on device \([\d,]+ bytes are free\)", done.message)
    assert "cat_gradcam.png" in done.message
    assert list(here.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(files: Path, here: Path) -> None:
    folder = here / "locked"
    folder.mkdir(mode=0o500)
    for args in (
        ("explain", "-o", folder),
        ("explain", "-o", folder / "new"),
        ("compare", "-o", folder / "x.png"),
    ):
        done = run(args[0], files / "cat.png", "--model", "no.keras", *args[1:])
        assert done.code == 2
        assert "locked" in done.message
        assert "permission denied" in done.message


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            LayerError("layer='x' is odd; see visioncam.layers(model)"),
            2,
            "--layer x is odd; see `visioncam layers`",
        ),
        (PluginError("a stranger failed"), 1, "a stranger failed"),
        (OutputError("Cannot write\n into it"), 2, "Cannot write into it"),
        (click.Abort(), 130, "interrupted"),
        (MemoryError(), 1, "--batch-size 1"),
        (OSError(errno.EIO, "broken"), 1, "the operating system refused: [Errno 5] broken"),
        (ZeroDivisionError(), 1, "a bug in VisionCam (ZeroDivisionError)"),
    ],
)
def test_each_kind_of_error_has_its_code(error: BaseException, code: int, words: str) -> None:
    failure = failure_of(error)
    assert failure.code == code
    assert words in failure.message
    assert "\n" not in failure.message


def test_without_a_command_there_is_help() -> None:
    done = run()
    assert done.code == 0
    assert done.stdout.startswith("Usage: visioncam ")
    assert all(
        name in done.stdout for name in ("explain", "compare", "layers", "methods", "renderers", "plugins")
    )
