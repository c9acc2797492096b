"""`--supervise` and `--item-timeout`: a picture that kills the process, or never ends, costs one line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import watched
from helpers.cli import environment, run

from visioncam.batch.jsonl import read_lines
from visioncam.batch.watchdog import supervise

WORDS = ["methods", "--plugin-file", watched.__file__]


def test_pictures_that_kill_or_hang_are_singled_out_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"{number:02d}" for number in range(14)]
    keys[5], keys[7], keys[10] = "deadly", "bad", "slow"
    out, told = tmp_path / "out", list[str]()
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    monkeypatch.setenv("RUN_KEYS", " ".join(keys))
    monkeypatch.setenv("RUN_FOLDER", str(out))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert supervise(WORDS, out, told.append, 1.0) == 3
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    done, torn = read_lines(out / "manifest.jsonl")
    assert sorted(line["key"] for line in done) == sorted({*keys} - {"deadly", "bad", "slow"})
    errors, more = read_lines(out / "errors.jsonl")
    assert torn + more == 0
    assert {line["key"]: (line["kind"], line["message"]) for line in errors} == {
        "deadly": ("GivenUpError", "the process died 2 times on it alone (exit code -11)"),
        "slow": ("ItemTimeoutError", "took longer than 1 seconds (--item-timeout)"),
        "bad": ("ValueError", "bad"),
    }
    assert told == [
        "the process died (-11), perhaps out of memory; restarted with half the batch",
        "the process died (-11), perhaps out of memory; restarted with half the batch",
        "the process died (-11); restarted with one picture at a time, to find which one it is",
        "deadly: the process died on it (-11); restarted for a second try",
        "deadly: the process died 2 times on it alone (exit code -11); restarted without it",
        "slow: took longer than 1 seconds (--item-timeout); restarted without it",
    ]
    assert json.loads((out / "run.json").read_text())["batch"] == 4, "it was no lack of memory"


STOPPED = """
import ctypes, os, signal, sys, time
from visioncam.batch.signals import CODES, StopSignals
with StopSignals() as stopping:
    print("ready", flush=True)
    if sys.argv[1] == "library":  # where the main thread is, Python is told of no signal
        for number in CODES:
            signal.siginterrupt(number, False)
        ctypes.CDLL(None).read(os.pipe()[0], ctypes.create_string_buffer(1), 1)
    while not stopping.received():
        time.sleep(0.01)
    print("asked", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("where", ["python", "library"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_the_process_at_once(where: str, number: signal.Signals) -> None:
    words = [sys.executable, "-c", STOPPED, where]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        if where == "python":
            assert process.stdout.readline() == "asked\n"
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.3)
        process.send_signal(number)
        assert process.wait(60) == 128 + number


def test_a_time_limit_belongs_to_one_machine(tmp_path: Path) -> None:
    done = run("batch", tmp_path, "-o", tmp_path / "out", "--engine", "ray", "--item-timeout", "5")
    assert (done.code, "--item-timeout works only with --engine local" in done.message) == (2, True)
    assert run("batch", tmp_path, "-o", tmp_path / "out", "--item-timeout", "0").code == 2
