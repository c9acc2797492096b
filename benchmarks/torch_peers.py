"""pytorch-grad-cam and torchcam on the same architecture, as ratios to PyTorch's own forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.kept import Line
from benchmarks.timing import interleaved


def compared(rounds: int) -> list[Line]:
    """Return (tool, work, result) for each: its Grad-CAM in forward passes, or what it failed at."""
    try:
        import torch
        import torchvision
    except (ImportError, RuntimeError) as error:
        return [(tool, WORK, f"no PyTorch here: {error}") for tool in PEERS]
    torch.manual_seed(0)
    model = torchvision.models.resnet50(weights=None).eval()
    x = torch.rand(1, 3, 224, 224)

    def forward() -> Any:
        with torch.inference_mode():
            return model(x)

    lines = []
    for tool, make in PEERS.items():
        try:
            times = interleaved(rounds, F=forward, theirs=make(model, x))
        except Exception as error:
            text = str(error).splitlines()[0][:90] if str(error) else ""
            lines.append((tool, WORK, f"fails: {type(error).__name__}: {text}"))
            continue
        lines.append((tool, WORK, f"{times.ratio('theirs', 'F'):.2f} forward passes of PyTorch"))
    return lines


def pytorch_grad_cam(model: Any, x: Any) -> Callable[[], Any]:
    """Return pytorch-grad-cam's Grad-CAM."""
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    cam = GradCAM(model=model, target_layers=[model.layer4[-1]])
    return lambda: cam(input_tensor=x, targets=[ClassifierOutputTarget(0)])


def torchcam(model: Any, x: Any) -> Callable[[], Any]:
    """Return torchcam's Grad-CAM."""
    from torchcam.methods import GradCAM

    cam = GradCAM(model, target_layer="layer4")

    def run() -> Any:
        return cam(0, model(x))

    return run


WORK = "Grad-CAM, ResNet50, batch 1"
PEERS: dict[str, Callable[[Any, Any], Callable[[], Any]]] = {
    "pytorch-grad-cam": pytorch_grad_cam,
    "torchcam": torchcam,
}
