"""PyTorch models: ours beside pytorch-grad-cam and torchcam in the same rounds, in seconds of one thread."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.kept import Line
from benchmarks.processes import asked
from benchmarks.rows import SIX, Row
from benchmarks.timing import Work, interleaved
from benchmarks.torch_peers import PEERS

NAME = "ResNet50, PyTorch"
CHANNELS = 64
"""Of Score-CAM: its time is that of one channel so many times."""


def measured(rounds: int) -> Iterator[Row | Line]:
    """Measure ResNet50 with random weights, 224 pixels, as ratios to `model(x)` in inference mode.

    Seconds are those of the process on one thread, so that a busy machine tells the same.
    """
    import torch
    import torchvision

    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = torchvision.models.resnet50(weights=None).eval()
    for count, few in ((1, rounds), (16, max(3, rounds // 3))):
        yield from gradcam(model, torch.rand(count, 3, 224, 224), few)
    yield from others(model, torch.rand(1, 3, 224, 224), rounds)


def gradcam(model: Any, x: Any, rounds: int) -> Iterator[Row | Line]:
    """Measure Grad-CAM as an `Explanation`, `auto` layer, resize included."""
    import visioncam

    ask = visioncam.explainer(model, "gradcam")
    image = x[0] if len(x) == 1 else x
    sides: dict[str, Work] = {}
    for tool, make in PEERS.items():
        twin = copy.deepcopy(model)  # both leave hooks on theirs
        sides[tool] = make(twin, "gradcam", twin.layer4[-1], x)
    times = interleaved(
        rounds, clock=time.process_time, F=forward(model, x), ours=lambda: ask(image), **sides
    )
    yield Row(f"GradCAM, batch {len(x)}", NAME, times.ratio("ours", "F"), 1.05)
    for tool in sides:
        ratio = f"{times.ratio(tool, 'F'):.2f} F; ours in the same rounds {times.ratio('ours', 'F'):.2f} F"
        yield tool, f"Grad-CAM, ResNet50, batch {len(x)}", ratio


def others(model: Any, x: Any, rounds: int) -> Iterator[Row]:
    """Measure six methods together, Ablation-CAM over all channels, and Score-CAM for each channel."""
    import visioncam

    ablation = visioncam.explainer(model, "ablationcam")
    scores = visioncam.explainer(model, "scorecam", channels=CHANNELS)
    times = interleaved(
        max(3, rounds // 3), warm=1, clock=time.process_time, F=forward(model, x),
        ablation=lambda: ablation(x[0]), scores=lambda: scores(x[0]),
    )  # fmt: skip
    quick = interleaved(
        rounds, clock=time.process_time, F=forward(model, x), six=lambda: visioncam.compare(model, x[0], SIX)
    )
    channels = ablation(x[0]).layer.row.layout.channels
    yield Row("compare, six gradient methods", NAME, quick.ratio("six", "F"), 1.10)
    yield Row(f"AblationCAM, {channels} channels", NAME, times.ratio("ablation", "F"), 1.5)
    yield Row("ScoreCAM, a channel", NAME, times.ratio("scores", "F", CHANNELS), 0.95)


def on_jax(rounds: int) -> Iterator[Row]:
    """Measure Grad-CAM of Keras' MobileNetV2 on JAX, once compiled, in a process of its own."""
    found = asked("on_jax", str(rounds), KERAS_BACKEND="jax")
    yield Row("GradCAM, batch 1", "MobileNetV2, Keras on JAX", found["ratio"], 1.3)


def forward(model: Any, x: Any) -> Work:
    """Return the model's own forward pass."""
    import torch

    def run() -> Any:
        with torch.inference_mode():
            return model(x)

    return run
