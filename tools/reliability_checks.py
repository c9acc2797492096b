"""The checks of tools/reliability.py: each takes an empty folder, returns what was done and what came out."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import reliability_files
import reliability_loads
from helpers.batch import contents, make_pictures, tiny_model
from reliability_ray import ray
from reliability_signals import signals
from reliability_singles import single

from visioncam.batch.jsonl import read_lines

Found = tuple[str, str]
KILLS = 40
PICTURES = 200


def child(root: Path, out: Path, **how: Any) -> None:
    """Run in a process of its own: load the model, explain the folder."""
    import keras

    import visioncam

    model = keras.models.load_model(root / "tiny.keras")
    summary = visioncam.explain_dataset(model, root / "in", out, **how)
    os._exit(0 if not summary.failures and not summary.stopped else 3)


def prepared(root: Path, count: int = PICTURES) -> Path:
    """Fill a folder with a model and pictures, in another process: this one's TensorFlow stays asleep."""
    process = multiprocessing.Process(target=_prepare, args=(root, count))
    process.start()
    process.join()
    assert process.exitcode == 0
    return root


def _prepare(root: Path, count: int) -> None:
    tiny_model().save(root / "tiny.keras")
    make_pictures(root / "in", count)


def spawn(root: Path, out: Path, **how: Any) -> multiprocessing.Process:
    """Start a run in another process, forked: the libraries are imported already."""
    process = multiprocessing.Process(target=child, args=(root, out), kwargs=how)
    process.start()
    return process


def finish(process: multiprocessing.Process, code: int = 0) -> None:
    """Wait for a process."""
    process.join()
    assert process.exitcode == code, process.exitcode


def keys(out: Path) -> list[str]:
    """Return the keys of the manifest."""
    lines, torn = read_lines(out / "manifest.jsonl")
    assert not torn
    return [line["key"] for line in lines]


def kill(root: Path) -> Found:
    """Kill a run at random moments; look at what is there; let it continue."""
    import keras  # noqa: F401 - imported once, before the forks
    import tensorflow  # noqa: F401

    prepared(root)
    start = time.perf_counter()
    finish(spawn(root, root / "whole"))
    seconds = time.perf_counter() - start
    written = sorted(path.stat().st_mtime for path in (root / "whole").glob("*.png"))
    writing = written[-1] - written[0]
    whole, moments, early = contents(root / "whole"), random.Random(0), 0
    corrupt = lost = doubled = swept = 0
    for number in range(KILLS):
        out = root / f"killed{number}"
        process = spawn(root, out)
        if number % 4:  # three of four while results are written
            while not (out / "manifest.jsonl").exists():
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.8) * writing)
        else:
            time.sleep(moments.uniform(0, 1) * seconds)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        if out.exists():
            corrupt += sum(data != whole.get(name) for name, data in contents(out).items() if name[0] != ".")
            swept += len(list(out.glob(".tmp-*")))
            early += not (out / "manifest.jsonl").exists()
        else:
            early += 1
        finish(spawn(root, out))
        found = keys(out)
        doubled += len(found) - len(set(found))
        lost += PICTURES - len(set(found))
        corrupt += contents(out) != whole
        assert not list(out.glob(".*"))
    assert (corrupt, lost, doubled) == (0, 0, 0), (corrupt, lost, doubled)
    return (
        f"`kill -9` at {KILLS} random moments of a run over {PICTURES} pictures, each continued",
        f"{corrupt} corrupt, {lost} lost, {doubled} doubled; bytes as undisturbed; {swept} temporary "
        f"files removed ({KILLS - early} kills while results were written, {early} before the first)",
    )


def two(root: Path) -> Found:
    """Start a second run in a folder that is in use."""
    prepared(root)
    command = [sys.executable, "-m", "visioncam", "batch", root / "in", "-o", root / "out"]
    command += ["--model", root / "tiny.keras"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE)
    while not (root / "out" / ".visioncam.lock").exists():
        time.sleep(0.05)
    second = subprocess.run(command, capture_output=True, text=True)
    first.communicate()
    assert (first.returncode, second.returncode) == (0, 2), (first.returncode, second.stderr)
    assert f"process {first.pid} on" in second.stderr
    assert len(set(keys(root / "out"))) == len(keys(root / "out")) == PICTURES
    return (
        "a second run into the folder of a running one",
        "the second ends with exit code 2 and names process and machine; the first completes",
    )


def full(root: Path) -> Found:
    """Run into a disk that is too small, then make room."""
    prepared(root)
    finish(spawn(root, root / "whole"))
    small = root / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        command = [sys.executable, "-m", "visioncam", "batch", root / "in", "-o", small / "out"]
        command += ["--model", root / "tiny.keras"]
        stopped = subprocess.run(command, capture_output=True, text=True)
        assert stopped.returncode == 4, stopped
        assert "no space left" in stopped.stdout, stopped
        done, whole = len(keys(small / "out")), contents(root / "whole")
        corrupt = sum(data != whole.get(name) for name, data in contents(small / "out").items())
        subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
        again = subprocess.run(command, capture_output=True, text=True)
        assert again.returncode == 0, again
        assert f"{done} finished before" in again.stdout
        same = len(set(keys(small / "out"))) == PICTURES and len(contents(small / "out")) == len(whole)
        assert same
        assert corrupt == 0
    finally:
        subprocess.run(["umount", small], check=True)
    return (
        f"a disk of 1 MB for {PICTURES} pictures, then a larger one",
        f"exit code 4 after {done} pictures, {corrupt} corrupt files, manifest intact; the next run "
        "completes",
    )


def memory(root: Path) -> Found:
    """Give a run too little memory for its batch."""
    code = (
        "import resource, sys, keras, numpy as np, visioncam\n"
        "i = keras.Input((192, 192, 3))\n"
        "x = keras.layers.Conv2D(64, 3, padding='same', activation='relu')(i)\n"
        "x = keras.layers.Conv2D(64, 3, padding='same', activation='relu')(x)\n"
        "m = keras.Model(i, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))\n"
        "visioncam.explain(m, np.zeros((1, 192, 192, 3), np.float32))\n"
        "now = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 30),) * 2)\n"
        "import os; n = len(os.listdir(sys.argv[1]))\n"
        "s = visioncam.explain_dataset(m, sys.argv[1], sys.argv[2], batch_size=64, save_as='npz')\n"
        "assert s.done == n and not s.failures, s"
    )
    make_pictures(root / "in", 96)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    crashes, ended = 0, -1
    while ended != 0:
        run = subprocess.run(
            [sys.executable, "-c", code, root / "in", root / "out"], env=environment, capture_output=True
        )
        ended = run.returncode
        if ended not in (0, -signal.SIGSEGV, -signal.SIGKILL, -signal.SIGABRT):
            raise AssertionError(run.stderr.decode()[-2000:])
        if ended:
            from visioncam.batch.watchdog import halve

            crashes += 1
            assert halve(root / "out"), "it died at a batch of one"
    lines = read_lines(root / "out" / "manifest.jsonl")[0]
    sizes = sorted({line["batch"] for line in lines}, reverse=True)
    assert len({line["key"] for line in lines}) == len(lines) == 96
    return (
        "96 pictures in batches of 64 with 1 GB to spare",
        f"every picture once; it ended with batches of {', '.join(map(str, sizes))}; {crashes} times "
        "the system or TensorFlow ended the process itself, and it was restarted with half the batch",
    )


def mixed(root: Path) -> Found:
    """Mix bad files among good ones; count."""
    import visioncam

    folder = make_pictures(root / "in", 990)
    whole = (folder / "0000.png").read_bytes()
    bad = {
        "a_empty.png": b"", "b_text.png": b"no picture", "c_cut.png": whole[: len(whole) // 2],
        "d_header.png": whole[:20], "e_zip.png": b"PK\x03\x04" + bytes(40), "f_html.jpg": b"<html></html>",
        "g_cut.jpg": b"\xff\xd8\xff\xe0" + bytes(30), "h_svg.png": b"<svg/>",
        "i_noise.gif": b"GIF89a" + bytes(9), "j_bomb.png": _bomb(),
    }  # fmt: skip
    for name, payload in bad.items():
        (folder / name).write_bytes(payload)
    model = tiny_model()
    summary = visioncam.explain_dataset(model, folder, root / "out")
    told = {line["key"] for line in read_lines(root / "out" / "errors.jsonl")[0]}
    assert (summary.done, summary.failures, told) == (990, 10, set(bad)), summary
    again = visioncam.explain_dataset(model, folder, root / "out")
    assert (again.done, again.skipped, again.failures) == (0, 990, 10), again
    return (
        "1,000 files, 10 of them bad (empty, text, cut, zip, page, bomb, …)",
        f"{summary.done} explained, {summary.failures} told with their reason; the next run tries "
        "the 10 alone",
    )


def _bomb() -> bytes:
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk


CHECKS: dict[str, Callable[[Path], Found]] = {
    one.__name__: one
    for one in (
        kill,
        signals,
        two,
        full,
        memory,
        mixed,
        single,
        ray,
        reliability_loads.threads,
        reliability_loads.endurance,
        reliability_files.report,
        reliability_files.damaged,
    )
}
