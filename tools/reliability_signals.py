"""The check `signals` of tools/reliability.py: SIGINT and SIGTERM at random moments of the command."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import attrs
from helpers.batch import contents, make_pictures, tiny_model

from visioncam.batch.jsonl import read_lines

MOMENTS, TWICE, PICTURES, SEED = 10, 5, 200, 0
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def command(root: Path, out: Path, said: Path) -> None:
    """Be `visioncam batch`, in a process of its own."""
    from visioncam.cli.main import main

    descriptor = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["visioncam", "batch", f"{root / 'in'}", "-o", f"{out}", "--model", f"{root / 'tiny.keras'}"]
    main()


@attrs.define
class Command:
    """The command in a process, forked: the libraries are imported already."""

    root: Path
    out: Path

    def start(self) -> multiprocessing.Process:
        """Start it."""
        process = multiprocessing.Process(target=command, args=(self.root, self.out, self.said_in))
        process.start()
        return process

    @property
    def said_in(self) -> Path:
        """Where its words go."""
        return self.out.with_suffix(".said")

    @property
    def lines(self) -> list[str]:
        """The lines of its manifest, sorted."""
        lines, torn = read_lines(self.out / "manifest.jsonl")
        assert not torn
        return sorted(map(str, lines))

    def writing(self) -> None:
        """Wait for the first finished picture."""
        while not (self.out / "manifest.jsonl").exists():
            time.sleep(0.01)


def signals(root: Path) -> tuple[str, str]:
    """Ask runs to stop at random moments; look at what is there; let them continue."""
    import keras  # noqa: F401 - imported once, before the forks
    import tensorflow  # noqa: F401

    prepare = multiprocessing.Process(target=_prepare, args=(root,))
    prepare.start()
    prepare.join()
    whole, moments, began = Command(root, root / "whole"), random.Random(SEED), time.perf_counter()
    end(whole.start(), 0)
    seconds = time.perf_counter() - began
    written = sorted(path.stat().st_mtime for path in whole.out.glob("*.png"))
    undisturbed, swept, early = contents(whole.out), 0, 0
    ends: list[float] = []
    for number in SIGNALS:
        for place in range(MOMENTS + TWICE):
            one = Command(root, root / f"{number.name}{place}")
            while True:
                process = one.start()
                if place % 3:  # two of three while results are written
                    one.writing()
                    time.sleep(moments.uniform(0, 0.6) * (written[-1] - written[0]))
                else:
                    time.sleep(moments.uniform(0, 0.8) * seconds)
                took = asked(process, number, moments.uniform(0, 0.2) if place >= MOMENTS else None)
                if process.exitcode != 0:
                    break
                shutil.rmtree(one.out)  # it had finished before the signal: another moment
            known = (128 + number, -number) if not one.out.exists() else (128 + number,)
            assert process.exitcode in known, (process.exitcode, one.said_in.read_text())
            early += not (one.out / "manifest.jsonl").exists()
            if place >= MOMENTS:
                ends.append(took)
            elif one.out.exists():
                assert "stopped early: interrupted" in one.said_in.read_text(), one.said_in.read_text()
                assert not list(one.out.glob(".*")), "something is left over"
            finished = 0
            if one.out.exists():
                looked = {name: data for name, data in contents(one.out).items() if name[0] != "."}
                assert all(data == undisturbed[name] for name, data in looked.items())
                finished = len(one.lines)
                swept += len(list(one.out.glob(".tmp-*")))
            end(one.start(), 0)
            assert f"{PICTURES - finished} explained" in one.said_in.read_text()
            assert contents(one.out) == undisturbed
            assert one.lines == whole.lines
            assert not list(one.out.glob(".*"))
    assert max(ends) < 1, ends
    return (
        f"`SIGINT` and `SIGTERM` at {MOMENTS} random moments each (seed {SEED}) of a run over {PICTURES} "
        f"pictures, each continued; and {TWICE} times each sent twice",
        f"exit codes 130 and 143; 0 files cut, 0 left over; bytes and lines as undisturbed; the "
        f"second ended it in {max(ends):.2f} s at most ({swept} temporary files removed by "
        f"the next run); {early} came before the first picture",
    )


def asked(process: multiprocessing.Process, number: int, again: float | None) -> float:
    """Send a signal, and after some seconds perhaps another; return how long it then took to end."""
    if process.is_alive():
        os.kill(process.pid or 0, number)
    if again is not None:
        time.sleep(again)
        if process.is_alive():
            os.kill(process.pid or 0, number)
    began = time.perf_counter()
    process.join()
    return time.perf_counter() - began


def end(process: multiprocessing.Process, code: int) -> None:
    """Wait for a process."""
    process.join()
    assert process.exitcode == code, process.exitcode


def _prepare(root: Path) -> None:
    tiny_model().save(root / "tiny.keras")
    make_pictures(root / "in", PICTURES)
