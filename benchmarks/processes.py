"""Rows measured in child processes: memory, the first call, endurance, the command line's start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.rows import Row


def asked(*words: str, **environment: str) -> dict[str, float]:
    """Run one task of `benchmarks.child` and return what it printed."""
    command = [sys.executable, "-m", "benchmarks.child", *words]
    env = os.environ | environment
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def memory() -> Iterator[Row]:
    """Measure peak memory on ResNet50, on a layer of few and one of many channels."""
    for method in ("ablationcam", "scorecam"):
        peaks = {}
        for layer in ("conv2_block3_1_relu", "conv5_block3_out"):
            scored = ("256",) if method == "scorecam" and layer == "conv5_block3_out" else ()
            found = asked("memory", "ResNet50", method, layer, *scored)
            peaks[int(found["channels"])] = found["MB"]
        few, many = min(peaks), max(peaks)
        short = "256 of them scored: every batch is like the others" if method == "scorecam" else ""
        work = f"{method}, peak memory, {many} channels"
        yield Row(work, "ResNet50", peaks[many], 600, "MB", note=short)
        note = f"{few} channels: {peaks[few]:.0f} MB"
        yield Row(
            f"{method}, peak with {many} over {few} channels",
            "ResNet50",
            peaks[many] / peaks[few],
            1.5,
            "×",
            note=note,
        )


def first_call(rounds: int) -> Iterator[Row]:
    """Measure the first explanation, tracing included."""
    found = [asked("first_call", "ResNet50") for _ in range(rounds)]
    yield Row("first call, tracing included", "ResNet50", median(f["seconds"] for f in found), 2.0, "s")
    further = max(f["further_traces"] for f in found)
    yield Row("traces for another layer, class, method, batch", "ResNet50", further, 0, "traces")


def endurance(calls: int) -> Iterator[Row]:
    """Measure 1,000 explanations of different pictures."""
    found = asked("endurance", "MobileNetV2", str(calls))
    yield Row(f"{calls} pictures, traces", "MobileNetV2", found["traces"], 1, "traces")
    yield Row(f"{calls} pictures, memory after the first 50", "MobileNetV2", found["growth_MB"], 30, "MB")
    yield Row(f"{calls} pictures, late over early time", "MobileNetV2", found["late_over_early"], 1.1, "×")


def command_line(rounds: int) -> Iterator[Row]:
    """Measure the wall time of commands that load no model."""
    for words in (("--help",), ("methods",)):
        times = []
        for _ in range(rounds):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-m", "visioncam", *words], capture_output=True, check=True)
            times.append(time.perf_counter() - start)
        yield Row(f"visioncam {' '.join(words)}", "none", median(times), 0.6, "s")


def importing(rounds: int) -> Iterator[Row]:
    """Measure a Python that imports VisionCam with ten plugins installed."""
    with TemporaryDirectory() as folder:
        found = os.pathsep.join([*ten_plugins(Path(folder)), *filter(None, sys.path)])
        env = {name: value for name, value in os.environ.items() if name != "VISIONCAM_PLUGINS"}
        times: dict[str, list[float]] = {"pass": [], "import visioncam": []}
        for code in list(times) * rounds:
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], env=env | {"PYTHONPATH": found}, check=True)
            times[code].append(time.perf_counter() - start)
        note = f"Python itself {median(times['pass']):.2f} s"
        yield Row(
            "import visioncam, ten plugins", "none", median(times["import visioncam"]), 0.5, "s", note=note
        )


def ten_plugins(folder: Path) -> list[str]:
    """Write ten plugins as `visioncam new-plugin` does, with metadata; return their paths."""
    from visioncam.new_plugin import write_plugin

    paths = []
    for letter in "abcdefghij":
        source = write_plugin(f"ten-{letter}", folder / letter).folder / "src"
        info = source / f"ten_{letter}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ten-{letter}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[visioncam]\nten{letter} = ten_{letter}.plugin\n")
        paths.append(str(source))
    return paths
