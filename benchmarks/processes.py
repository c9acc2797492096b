"""Rows measured in child processes: memory, the first call, endurance, the command line's start."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

from benchmarks.rows import Row


def asked(*words: str) -> dict[str, float]:
    """Run one task of `benchmarks.child` and return what it printed."""
    command = [sys.executable, "-m", "benchmarks.child", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def memory() -> Iterator[Row]:
    """Measure peak memory on ResNet50, on a layer of few and one of many channels."""
    for method in ("ablationcam", "scorecam"):
        peaks = {}
        for layer in ("conv2_block3_1_relu", "conv5_block3_out"):
            found = asked("memory", "ResNet50", method, layer)
            peaks[int(found["channels"])] = found["MB"]
        few, many = min(peaks), max(peaks)
        yield Row(f"{method}, peak memory, {many} channels", "ResNet50", peaks[many], 600, "MB")
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
