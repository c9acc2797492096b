"""Methods of the picture itself on every kind of PyTorch model: axes, precision, several inputs, batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import visioncam
from visioncam_core.results.explanation import Explanation

FAMILY = [row.name for row in visioncam.methods() if row.family == "gradient"]
KINDS: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "signal": (nn.Conv1d, nn.AdaptiveAvgPool1d, (30,)),
    "picture": (nn.Conv2d, nn.AdaptiveAvgPool2d, (12, 15)),
    "volume": (nn.Conv3d, nn.AdaptiveAvgPool3d, (6, 7, 8)),
}


def made(kind: str = "picture", dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    """Return a small network and two pictures (2, 3, *space)."""
    torch.manual_seed(0)
    convolution, pool, space = KINDS[kind]
    body = [convolution(3, 4, 3, padding=1), nn.ReLU(), convolution(4, 6, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*body, pool(1), nn.Flatten(), nn.Linear(6, 3)).to(dtype).eval()
    return model, torch.rand(2, 3, *space).to(dtype)


def explain(model: Any, image: Any, method: str, **keywords: Any) -> Any:
    return visioncam.explain(model, image, method, target=1, **keywords)


@pytest.mark.parametrize("method", FAMILY)
@pytest.mark.parametrize("kind", KINDS)
def test_every_axis_and_a_batch_is_its_pictures(kind: str, method: str) -> None:
    model, x = made(kind)
    batch = explain(model, x, method)
    for one, picture in zip(batch, x, strict=True):
        alone = explain(model, picture[None], method)
        alone = alone[0] if isinstance(alone, list) else alone
        assert one.raw.shape == KINDS[kind][2]
        assert one.layer.path == "input"
        np.testing.assert_allclose(one.raw, alone.raw, rtol=0, atol=1e-5 * np.abs(alone.raw).max())


@pytest.mark.parametrize("method", FAMILY)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float16, 0.02), (torch.bfloat16, 0.1), (torch.float64, 1e-4)]
)
def test_other_precisions_give_the_same_map(method: str, dtype: torch.dtype, tolerance: float) -> None:
    model, x = made()
    if method == "smoothgrad":
        tolerance *= 2  # kinks beside the picture
    expected = explain(model, x[0], method).raw
    found = explain(model.to(dtype), x[0].to(dtype), method).raw
    close = np.abs(found - expected) <= tolerance * np.abs(expected).max()
    assert close.mean() > 0.97  # a unit at its kink may fall on either side


@pytest.mark.parametrize("method", FAMILY)
def test_the_other_inputs_stay_as_they_are(method: str) -> None:
    class Two(nn.Module):
        def __init__(self, body: Any) -> None:
            super().__init__()
            self.body, self.side = body, nn.Linear(4, 3)

        def forward(self, picture: Any, numbers: Any) -> Any:
            return self.body(picture) + self.side(numbers)

    model, x = made()
    found = explain(Two(model).eval(), [x[:1], torch.rand(1, 4)], method)
    found = found[0] if isinstance(found, list) else found
    expected = explain(model, x[0], method)
    np.testing.assert_allclose(found.raw, expected.raw, rtol=0, atol=1e-5 * np.abs(expected.raw).max())


def test_several_classes_and_methods_at_once() -> None:
    model, x = made()
    rows = [one for row in visioncam.compare(model, x[0], "gradient", targets=[0, 2]) for one in row]
    assert len(rows) == 2 * len(FAMILY)
    for one in rows:
        assert isinstance(one, Explanation)
        index = one.target.index
        alone = visioncam.explain(model, x[0], one.method, target=index)
        np.testing.assert_allclose(one.raw, alone.raw, rtol=0, atol=1e-5 * np.abs(alone.raw).max())


def test_the_doctor_suggests_no_layer() -> None:
    model, x = made()
    report = visioncam.doctor(model, x[0], "saliency", target=1)
    assert "layer" not in report.keywords
    assert report.facts["gradient"].startswith("reaches 100% of 180 positions")
    report = visioncam.doctor(model, x[0], "smoothgrad", target=1)
    assert report.facts["gradient"] == "smoothgrad needs those of other pictures"


@pytest.mark.parametrize(
    ("photo", "target"), [("chelsea.png", 282), ("coffee.png", 967), ("rocket.jpg", 657)]
)
def test_integrated_gradients_of_a_photo_add_up_to_its_score(photo: str, target: int) -> None:
    """Completeness at the default, on ImageNet's weights: less than 1 % of S(x) − S(black) is missing."""
    model, path = visioncam.demo.load("torch"), Path(__file__).parents[3] / "examples" / photo
    found = visioncam.explain(model, path, "integratedgradients", target=target)
    black = visioncam.explain(model, np.zeros((224, 224, 3), np.uint8), target=target)
    assert found.account.expected == pytest.approx(found.score - black.score, rel=1e-3)
    assert found.raw.sum() == pytest.approx(found.account.expected, rel=0.01)
