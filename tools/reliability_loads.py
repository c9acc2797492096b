"""The checks of tools/reliability.py that ask for long: many threads, many calls, many pictures."""

from __future__ import annotations

import gc
import os
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from helpers.batch import make_pictures, tiny_model

Found = tuple[str, str]


def threads(root: Path) -> Found:
    """Ask one explainer from many threads for a minute."""
    import visioncam
    from visioncam_core.engine.batches import COUNTERS

    model = tiny_model()
    ask = visioncam.explainer(model, "gradcam")
    pictures = np.random.default_rng(0).integers(0, 256, (16, 20, 30, 3), np.uint8)
    wanted = [ask(picture, n % 3).raw for n, picture in enumerate(pictures)]
    traces, calls, wrong, errors = COUNTERS.snapshot()["traces"], [0] * 32, [0] * 32, list[Exception]()
    end = time.monotonic() + 60

    def work(me: int) -> None:
        n = me
        while time.monotonic() < end:
            try:
                wrong[me] += not np.array_equal(ask(pictures[n % 16], n % 16 % 3).raw, wanted[n % 16])
            except Exception as error:
                errors.append(error)
            calls[me] += 1
            n += 1

    workers = [threading.Thread(target=work, args=(me,)) for me in range(32)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    new = COUNTERS.snapshot()["traces"] - traces
    assert (sum(wrong), len(errors), new) == (0, 0, 0), (sum(wrong), errors[:3], new)
    return (
        "32 threads for a minute on one explainer",
        f"{sum(calls)} calls, {sum(wrong)} maps other than alone, {len(errors)} errors, {new} new traces",
    )


def state() -> tuple[float, int, int, int]:
    """Return memory in MB, threads, file descriptors and traces."""
    from visioncam_core.engine.batches import COUNTERS

    gc.collect()
    status = Path("/proc/self/status").read_text()
    resident = int(status.split("VmRSS:")[1].split()[0]) / 1024
    descriptors = len(os.listdir("/proc/self/fd"))
    return resident, threading.active_count(), descriptors, COUNTERS.snapshot()["traces"]


def endurance(root: Path) -> Found:
    """Ask 2,000 times and run over 5,000 pictures; compare the state at the beginning and the end."""
    import visioncam

    models = [tiny_model()]
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)

    def ask(times: int) -> None:
        for n in range(times):
            visioncam.explain(models[0], picture, target=n % 3)

    ask(200)
    before = state()
    ask(2000)
    after = state()
    calls = (after[0] - before[0]) * 1024 / 2000
    assert after[1:] == before[1:], (before, after)
    assert calls < 2, calls
    make_pictures(root / "in", 5000)
    marks: dict[int, tuple[float, int, int, int]] = {}
    count = 0

    def watch(event: dict[str, Any]) -> None:
        nonlocal count
        count += event["event"] == "done"
        if count in (500, 5000) and count not in marks:
            marks[count] = state()

    descriptors = state()[2]
    summary = visioncam.explain_dataset(models[0], root / "in", root / "out", progress=watch)
    first, last = marks[500], marks[5000]
    assert summary.done == 5000
    assert (last[1], last[3]) == (first[1], first[3]), marks
    assert abs(last[2] - first[2]) <= 8, marks  # what decoding and writing have open at that moment
    opened = state()[2] - descriptors
    assert opened <= 1, opened  # fonts and the like, opened with the first picture
    assert last[0] - first[0] < 50, marks
    alive = weakref.ref(models.pop())
    gc.collect()
    return (
        "2,000 calls, then 5,000 pictures in one run",
        f"{calls:.2f} KiB a call; {last[0] - first[0]:+.1f} MB from picture 500 to 5,000; {last[1]} threads "
        f"and {last[3]} trace at both; files open after the run: {opened:+d}; {summary.rate:.0f} pictures a "
        f"second; the model is {'still there' if alive() is not None else 'gone'} once it is dropped",
    )
