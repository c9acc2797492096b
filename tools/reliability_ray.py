"""The check `ray` of tools/reliability.py: drivers and an actor of a local Ray cluster are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from helpers.batch import contents, make_pictures, tiny_model

from visioncam.batch.jsonl import read_lines

KILLS, PICTURES, BAD, SEED = 3, 600, "0300.png", 0


def ray(root: Path) -> tuple[str, str]:
    """Kill the driver, run the same command again, kill an actor; compare with what one machine writes."""
    tiny_model().save(root / "tiny.keras")
    make_pictures(root / "in", PICTURES)
    (root / "in" / BAD).write_text("bad")
    words = [sys.executable, "-m", "visioncam", "batch", root / "in", "--model", root / "tiny.keras"]
    alone = subprocess.run([*words, "-o", root / "one"], capture_output=True, text=True)
    assert alone.returncode == 3, alone.stderr
    moments, out, finished = random.Random(SEED), root / "two", [0]
    words += ["-o", out, "--engine", "ray"]
    for _ in range(KILLS):
        driver = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait(driver, lambda: len(lines(out)) > finished[-1])
        time.sleep(moments.uniform(0, 0.3))
        below = descendants(driver.pid)
        driver.kill()
        driver.wait()
        end(below)
        finished.append(len(lines(out)))
        assert finished[-2] < finished[-1] < PICTURES - 1, finished
        whole = contents(root / "one")
        assert all(data == whole[name] for name, data in contents(out).items() if name[0] != ".")
    last = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait(last, lambda: len(lines(out)) > finished[-1])
    actors = [pid for pid in descendants(last.pid) if command(pid).startswith(b"ray::MapWorker")]
    os.kill(actors[0], signal.SIGKILL)
    below = descendants(last.pid)
    said, told = last.communicate()
    left = end(below)
    assert last.returncode == 3, told
    assert f"{PICTURES - 1 - finished[-1]} explained; {finished[-1]} finished before; 1 failed" in said, said
    assert contents(out) == contents(root / "one")
    for name in ("manifest.jsonl", "errors.jsonl"):
        assert lines(out, name) == lines(root / "one", name)
    assert not list(out.glob(".*")), "something is left over"
    done = ", ".join(map(str, finished[1:]))
    return (
        f"{PICTURES} pictures, one of them bad, on a Ray cluster of {os.cpu_count()} workers; the driver "
        f"killed with -9 {KILLS} times (seed {SEED}), in the last run an actor",
        f"finished after each kill: {done}; each run did the rest alone; 1 picture reported as bad; files, "
        f"lines and errors have the bytes of one machine's run; {left} processes of Ray left over",
    )


def lines(folder: Path, name: str = "manifest.jsonl") -> list[str]:
    """Return the lines of a run, sorted."""
    return sorted(map(str, read_lines(folder / name)[0]))


def wait(process: subprocess.Popen[str] | subprocess.Popen[bytes], until: Callable[[], bool]) -> None:
    """Wait for something that a run does."""
    while not until():
        assert process.poll() is None, "it ended too early"
        time.sleep(0.02)


def descendants(process: int) -> list[int]:
    """Return the processes below one."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def command(process: int) -> bytes:
    """Return how a process calls itself."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def end(processes: list[int], seconds: float = 30) -> int:
    """Wait for processes to end by themselves; end the others, and return how many there were."""
    until = time.monotonic() + seconds
    while (left := [one for one in processes if command(one)]) and time.monotonic() < until:
        time.sleep(0.1)
    for one in left:
        os.kill(one, signal.SIGKILL)
    return len(left)
