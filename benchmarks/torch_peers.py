"""pytorch-grad-cam and torchcam on the same architecture, as ratios to PyTorch's own forward pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.kept import Line
from benchmarks.peers import TITLES, failure
from benchmarks.timing import interleaved


def compared(rounds: int) -> list[Line]:
    """Return (tool, work, result) for each and its methods: in forward passes, or what it failed at."""
    works = {(tool, method): f"{TITLES[method]}, ResNet50, batch 1" for tool in PEERS for method in TITLES}
    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError) as error:
        return [(tool, work, f"no PyTorch here: {error}") for (tool, _), work in works.items()]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x = torch.rand(1, 3, 224, 224)
    lines = []
    for (tool, method), work in works.items():
        model = torchvision.models.resnet50(weights=None).eval()
        layer = model.layer1[-1].bn2 if method == "scorecam" else model.layer4[-1]

        def forward(model: Any = model) -> Any:
            with torch.inference_mode():
                return model(x)

        try:
            theirs = PEERS[tool](model, method, layer, x)
            few = 3 if method == "scorecam" else rounds
            times = interleaved(few, clock=time.process_time, F=forward, theirs=theirs)
        except Exception as error:
            lines.append((tool, work, failure(error)))
            continue
        lines.append((tool, work, f"{times.ratio('theirs', 'F'):.2f} forward passes of PyTorch"))
    return lines


def pytorch_grad_cam(model: Any, method: str, layer: Any, x: Any) -> Callable[[], Any]:
    """Return pytorch-grad-cam's method."""
    from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, ScoreCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    kinds = {"gradcam": GradCAM, "gradcamplusplus": GradCAMPlusPlus, "scorecam": ScoreCAM}
    cam = kinds[method](model=model, target_layers=[layer])
    return lambda: cam(input_tensor=x, targets=[ClassifierOutputTarget(0)] * len(x))


def torchcam(model: Any, method: str, layer: Any, x: Any) -> Callable[[], Any]:
    """Return torchcam's method."""
    from torchcam.methods import GradCAM, GradCAMpp, ScoreCAM

    kinds = {"gradcam": GradCAM, "gradcamplusplus": GradCAMpp, "scorecam": ScoreCAM}
    cam = kinds[method](model, target_layer=layer)
    return lambda: cam(0, model(x))


PEERS: dict[str, Callable[[Any, str, Any, Any], Callable[[], Any]]] = {
    "pytorch-grad-cam": pytorch_grad_cam,
    "torchcam": torchcam,
}
