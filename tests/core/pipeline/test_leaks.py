"""Many calls in a row: the same bits, and no memory, file or thread that stays behind."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.networks.kinds import X, functional

import visioncam
from visioncam_core.engine.batches import COUNTERS

PROC = Path("/proc/self")
CALLS, KIB_A_CALL = 200, 20


def resident() -> int:
    """Return this process's resident memory in KiB."""
    line = next(x for x in (PROC / "status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1])


@pytest.mark.skipif(
    not (PROC / "status").exists(), reason="memory and files are counted where Linux tells them"
)
def test_two_hundred_calls_leave_nothing_behind() -> None:
    """Random classes and pictures of several number types, and an error now and then."""
    draw = np.random.default_rng(0)
    cam = visioncam.explainer(functional(), "gradcam")
    first = cam(X[0], 2)

    def ask() -> None:
        image = draw.random((16, 16, 3)).astype(draw.choice(["float32", "float64", "float16"]))
        cam(image, draw.choice([np.int64(1), 2, 3]))
        with pytest.raises(visioncam.VisionCamError):
            cam(image, 99)

    for _ in range(20):
        ask()
    traces = COUNTERS.snapshot()["traces"]
    files, threads, memory = len(os.listdir(PROC / "fd")), threading.active_count(), resident()
    for _ in range(CALLS):
        ask()
    assert resident() - memory < KIB_A_CALL * CALLS
    assert len(os.listdir(PROC / "fd")) == files
    assert threading.active_count() == threads
    assert COUNTERS.snapshot()["traces"] == traces
    np.testing.assert_array_equal(cam(X[0], 2).raw, first.raw)


@pytest.mark.parametrize("method", [spec.name for spec in visioncam.methods() if spec.family == "cam"])
def test_the_same_call_gives_the_same_bits_and_another_seed_other_noise(method: str) -> None:
    model = functional()  # behind its first layer gradients depend on the picture
    first = visioncam.explain(model, X[0], method, layer="c1")
    for _ in range(5):
        np.testing.assert_array_equal(visioncam.explain(model, X[0], method, layer="c1").raw, first.raw)
    other = visioncam.explain(model, X[0], method, layer="c1", seed=1)
    assert np.array_equal(other.raw, first.raw) == (method != "smoothgradcamplusplus")
