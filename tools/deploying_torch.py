"""Measure exported files of PyTorch models; see `tools/deploying.py`."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402 - after the path above
import timm  # noqa: E402
import torch  # noqa: E402
import torchvision  # noqa: E402

import visioncam  # noqa: E402
from tools.deploying_table import Run, main, onnx, row, size_of, times  # noqa: E402

torch.set_num_threads(1)


def warmed(make: Callable[[], Any], side: int) -> Any:
    """Return a network of random weights whose statistics are those of noise."""
    torch.manual_seed(0)
    model = make().train()
    with torch.no_grad():
        for _ in range(40):
            model(torch.randn(4, 3, side, side))
        *_, last = (one for one in model.modules() if isinstance(one, torch.nn.Linear))
        last.weight.mul_(20)
    return model.eval()


def vit() -> Any:
    """Return ViT-Tiny."""
    torch.manual_seed(0)
    return timm.create_model("vit_tiny_patch16_224").eval()


NETWORKS: dict[str, tuple[Callable[[], Any], int, tuple[str, ...]]] = {
    "EfficientNet-Lite0, embedded": (lambda: visioncam.demo.load("torch"), 224, ("auto",)),
    "ResNet18": (lambda: warmed(torchvision.models.resnet18, 224), 224, ("auto", "layer3")),
    "MobileNetV2, 96 pixels": (
        lambda: warmed(torchvision.models.mobilenet_v2, 96),
        96,
        ("auto",),
    ),
    "ViT-Tiny": (vit, 224, ("auto",)),
}


def pt2(path: Path) -> Run:
    """Return what runs an exported program."""
    module = torch.export.load(os.fspath(path)).module()

    def run(x: np.ndarray) -> Any:
        with torch.no_grad():
            return module(torch.from_numpy(x))

    return run


RUNNERS = {"onnx": onnx, "pt2": pt2}


def plain(model: Any, form: str, x: Any, folder: Path) -> Path:
    """Write the model alone, as torch does it, with an open batch."""
    path, two = folder / f"plain.{form}", torch.cat([x, x])
    shapes = ({0: torch.export.Dim("N")},)
    if form == "onnx":
        torch.onnx.export(
            model, (two,), path, dynamo=True, external_data=False, dynamic_shapes=shapes, verbose=False
        )
    else:
        torch.export.save(torch.export.export(model, (two,), dynamic_shapes=shapes), path)
    return path


def rows(name: str) -> Iterator[str]:
    """Yield the lines of the table for one network."""
    make, side, layers = NETWORKS[name]
    model, x = make(), np.random.default_rng(2).normal(size=(1, 3, side, side)).astype(np.float32)
    for form, runner in RUNNERS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            alone = plain(model, form, torch.from_numpy(x), folder)
            for layer in layers:
                found = visioncam.export(model, folder / f"file.{form}", layer=layer, pictures=[x[0], -x[0]])
                yield row(name, form, found, size_of(alone), times([runner(alone), runner(found.path)], x))


if __name__ == "__main__":
    main(NETWORKS, rows, "deploying-torch", f"torch {torch.__version__}, other work beside it")
