"""`visioncam batch` in a process of its own, as users run it: killed, asked to stop, told to programs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from helpers.batch import contents, make_pictures, tiny_model
from helpers.cli import environment, run, run_alone

from visioncam.batch.jsonl import read_lines

COUNT = 300


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, pictures, and the results of a run that nothing disturbed."""
    root = tmp_path_factory.mktemp("world")
    tiny_model().save(root / "tiny.keras")
    make_pictures(root / "in", COUNT)
    done = run("batch", root / "in", "-o", root / "whole", "--model", root / "tiny.keras")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{COUNT} explained; ")
    return root


def started(root: Path, out: str, *more: str) -> subprocess.Popen[str]:
    """Start a run and return when some pictures are finished."""
    words = ["batch", str(root / "in"), "-o", str(root / out), "--model", str(root / "tiny.keras"), *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "visioncam", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    end = time.monotonic() + 240
    while not (root / out / "manifest.jsonl").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    return process


def lines(folder: Path, name: str = "manifest.jsonl") -> list[dict[str, Any]]:
    return read_lines(folder / name)[0]


def same_as_undisturbed(root: Path, out: str) -> None:
    assert contents(root / out) == contents(root / "whole")
    assert sorted(map(str, lines(root / out))) == sorted(map(str, lines(root / "whole")))
    assert not list((root / out).glob(".*"))


def test_a_killed_run_leaves_only_whole_files_and_is_continued(world: Path) -> None:
    process = started(world, "killed")
    refused = run("batch", world / "in", "-o", world / "killed", "--model", world / "tiny.keras")
    assert refused.code == 2
    assert (
        f"another run is writing to {str(world / 'killed')!r}: process {process.pid} on " in refused.message
    )
    process.kill()
    process.communicate()
    whole = contents(world / "whole")
    finished = lines(world / "killed")
    assert 0 < len(finished) < COUNT, "the kill came too late to show anything"
    for name, payload in contents(world / "killed").items():
        assert name.startswith(".tmp-") or payload == whole[name]
    done = run("batch", world / "in", "-o", world / "killed", "--model", world / "tiny.keras")
    assert done.code == 0
    assert f"took over the lock of process {process.pid}, which has ended" in done.stdout
    assert f"{len(finished)} finished before" in done.stdout
    same_as_undisturbed(world, "killed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_cleanly(world: Path, number: int) -> None:
    out = f"signal{number}"
    process = started(world, out, "--json")
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number, stderr
    events = [json.loads(line) for line in stdout.splitlines()]
    assert events[0] == {"event": "start", "total": COUNT, "notes": []}
    assert events[-1]["event"] == "end"
    assert events[-1]["stopped"] == "interrupted"
    assert events[-1]["done"] == len(lines(world / out)) == len(events) - 2
    assert not list((world / out).glob(".*"))
    done = run("batch", world / "in", "-o", world / out, "--model", world / "tiny.keras")
    assert done.code == 0
    same_as_undisturbed(world, out)


def test_a_finished_run_loads_no_tensorflow(world: Path) -> None:
    code = (
        "import json, sys\nfrom visioncam.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'tensorflow' in sys.modules)"
    )
    words = ["batch", world / "in", "-o", world / "whole", "--model", world / "tiny.keras"]
    done = run_alone(*words, code=code)
    assert done.stdout.splitlines()[-1] == "0 False"
    assert f"0 explained; {COUNT} finished before" in done.stdout


def test_every_line_for_programs_is_an_event(tmp_path: Path) -> None:
    for words in (["batch", tmp_path / "no", "-o", tmp_path / "out"], ["batch", "--max-errors", "-1"]):
        done = run(*words, "--json")
        (line,) = done.stdout.splitlines()
        assert (done.code, json.loads(line)["event"], json.loads(line)["error"]["exit_code"]) == (
            2,
            "error",
            2,
        )


def test_exit_codes_and_messages(world: Path, tmp_path: Path) -> None:
    common = ["-o", tmp_path / "out", "--model", world / "tiny.keras"]
    assert "does not exist; name a folder" in run("batch", tmp_path / "no", *common).message
    bad = make_pictures(tmp_path / "in", 3)
    (bad / "0001.png").write_text("bad")
    done = run("batch", bad, *common)
    assert done.code == 3
    assert done.message.startswith("0001.png: ")
    assert "2 explained; 1 failed (1 ImageError; see errors.jsonl)" in done.stdout
    done = run("batch", bad, *common, "--max-errors", "0")
    assert done.code == 4
    assert "stopped early: more than 0 pictures failed (--max-errors)" in done.stdout
    done = run("batch", bad, *common, "--method", "xgradcam")
    assert (done.code, "was 'gradcam', now 'xgradcam'" in done.message) == (2, True)
    done = run("batch", bad, *common, "--renderer", "sheet")
    assert (done.code, "is not a renderer of single maps" in done.message) == (2, True)
    more = [
        "--renderer",
        "overlay,heatmap",
        "--save-as",
        "png,npz",
        "--save-option",
        "raw_only=no",
        "--spread",
    ]
    done = run("batch", bad, "-o", tmp_path / "two", "--model", world / "tiny.keras", *more)
    assert done.code == 3
    names = sorted(path.name.partition("_")[2] for path in (tmp_path / "two").glob("*/*"))
    assert names == sorted(["gradcam.npz", "gradcam_heatmap.png", "gradcam_overlay.png"] * 2)
    import visioncam

    whole = visioncam.load(next((tmp_path / "two").glob("*/0000-*.npz")))
    assert whole.heatmap.shape == (20, 30)
    with pytest.raises(visioncam.VisionCamError, match="holds the raw map alone"):
        visioncam.load(next((tmp_path / "out").glob("0000-*.npz")))
