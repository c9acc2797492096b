"""PyTorch models through `visioncam.explain`: the nine methods, answers, inputs, and names of layers."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from helpers import torch_networks as networks
from helpers.torch_networks import lively, pictures, plain
from torch import nn

import visioncam
from visioncam_core.results.explanation import Explanation

X = pictures()[0]
NINE = [row.name for row in visioncam.methods() if row.in_all]


def explain(model: Any, image: Any = X, **keywords: Any) -> Explanation:
    found = visioncam.explain(model, image, **keywords)
    assert isinstance(found, Explanation)
    return found


def by_autograd(model: Any, layer: Any, x: Any, index: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (A, G) on the grid of one picture, by a hook."""
    kept: list[Any] = []

    def keep(module: Any, args: Any, output: Any) -> Any:
        kept.append(output.detach().clone().requires_grad_())
        return kept[0].clone()

    handle = layer.register_forward_hook(keep)
    (gradient,) = torch.autograd.grad(model(x[None])[0, index], kept)
    handle.remove()
    return (np.moveaxis(one.detach().numpy(), 1, -1) for one in (kept[0], gradient))  # type: ignore[return-value]


@pytest.mark.parametrize("method", NINE)
def test_every_method(method: str) -> None:
    model = plain()
    found = explain(model, method=method, target=2, layer="3", evidence="signed")
    assert found.raw.shape == (8, 8)
    assert np.isfinite(found.raw).all()
    assert found.raw.any()
    with torch.no_grad():
        assert found.score == pytest.approx(float(model(X[None])[0, 2]), rel=1e-6)


def test_the_formulas_on_autograd_s_own_numbers() -> None:
    model = plain()
    twin = plain()
    A, G = by_autograd(twin, twin[2], X, 2)
    expected = {
        "gradcam": (A * G.mean((1, 2), keepdims=True)).sum(-1)[0],
        "hirescam": (A * G).sum(-1)[0],
        "gradcamelementwise": np.maximum(A * G, 0).sum(-1)[0],
    }
    for method, raw in expected.items():
        found = explain(model, method=method, target=2, layer="2", evidence="signed").raw
        np.testing.assert_allclose(found, raw, atol=2e-6 * np.abs(raw).max())


def test_ablation_leaves_out_one_channel_after_the_other() -> None:
    model, twin = plain(), plain()
    A, _ = by_autograd(twin, twin[2], X, 2)
    with torch.no_grad():
        rest = twin[3:]
        given = torch.from_numpy(np.moveaxis(A, -1, 1).copy())
        whole = rest(given)[0, 2]
        drops = []
        for k in range(given.shape[1]):
            less = given.clone()
            less[:, k] = 0
            drops.append(float((whole - rest(less)[0, 2]) / whole.abs()))
    found = explain(model, method="ablationcam", target=2, layer="2", evidence="signed").raw
    raw = (A[0] * np.array(drops)).sum(-1)
    np.testing.assert_allclose(found, raw, atol=1e-4 * np.abs(raw).max())


@pytest.mark.parametrize("layer", ["0.0", "0/0", "re:^0/0$", 0])
def test_layers_by_name(layer: Any) -> None:
    assert explain(plain(), layer=layer).layer.path == "0/0"


def test_layers_by_object() -> None:
    model = plain()
    assert explain(model, layer=model[0][0]).layer.path == "0/0"
    assert explain(torch.compile(model), layer=model[2]).layer.path == "2"
    listed = lively(networks.Listed())
    assert explain(listed, layer=listed.more[1]).layer.path == "more/1"
    twice = lively(networks.Twice())
    assert explain(twice, layer="conv2#1").layer.path == "conv2#1"
    assert "conv2#0" in {row.path for row in visioncam.layers(twice, X).table.rows}


Pair = namedtuple("Pair", "scores features")


@dataclass
class Output:
    loss: Any
    logits: Any


ANSWERS: dict[str, Any] = {
    "a dict": lambda y, f: {"features": f, "logits": y},
    "a dataclass": lambda y, f: Output(None, y),
    "a named tuple": lambda y, f: Pair(y, f),
    "a list": lambda y, f: [y, f],
    "nested": lambda y, f: {"heads": [y, f], "n": 3},
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_answers_in_structures(kind: str) -> None:
    class Model(networks.Base):
        def forward(self, x: Any) -> Any:
            y = self.conv2(self.conv(x).relu()).relu()
            return ANSWERS[kind](self.head(y), y)

    expected = explain(lively(networks.Base()), target=1)
    found = explain(lively(Model()), target=1)
    assert np.array_equal(found.raw, expected.raw)
    assert found.score == expected.score


def test_outputs_by_name() -> None:
    class Model(networks.Base):
        def forward(self, x: Any) -> Any:
            y = self.conv2(self.conv(x).relu()).relu()
            return {"a": self.head(y), "b": self.head(y * 2)}

    model = lively(Model())
    a, b = (explain(model, output=name, target=1) for name in ("a", "b"))
    assert explain(model, output=1, target=1).score == b.score != a.score


class Both(networks.Base):
    """A picture and tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 8)

    def forward(self, image: Any, tokens: Any) -> Any:
        return self.fc(self.conv(image).relu().mean((2, 3)) + self.words(tokens).mean(1))


def test_several_inputs() -> None:
    model, tokens = lively(Both()), torch.tensor([[1, 2, 3]])
    with torch.no_grad():
        expected = float(model(X[None], tokens)[0, 1])
    for images in ([X[None], tokens], {"image": X[None], "tokens": tokens.numpy()}, [X, tokens[0]]):
        found = visioncam.explain(model, images, target=1)
        found = found[0] if isinstance(found, list) else found
        assert found.score == pytest.approx(expected, rel=1e-6)
        assert found.raw.shape == (16, 16)


def test_two_pictures() -> None:
    class Pictures(networks.Base):
        def forward(self, x1: Any, x2: Any) -> Any:
            return self.head(self.conv(x1).relu() - self.conv(x2).relu())

    found = explain(lively(Pictures()), [X, X.flip(1)], target=1, layer="conv#1")
    assert found.raw.any()


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_one_to_three_axes(rank: int) -> None:
    conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[rank - 1]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = conv(2, 6, 3, padding=1), conv(6, 6, 3, padding=1)
            self.fc = nn.Linear(6, 3)

        def forward(self, x: Any) -> Any:
            return self.fc(self.second(self.first(x).relu()).relu().flatten(2).mean(2))

    model = lively(Model())
    x = torch.randn(2, *(9,) * rank)
    for method in ("gradcam", "ablationcam", "scorecam"):
        assert explain(model, x, method=method).raw.shape == (9,) * rank
    assert len(visioncam.explain(model, torch.stack([x, x]))) == 2


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: Any) -> None:
    expected = explain(plain(), target=1, layer="2")
    found = explain(plain().to(dtype), X.to(dtype), target=1, layer="2")
    assert found.raw.dtype in (np.float32, np.float64)
    rough = {torch.float16: 2e-2, torch.bfloat16: 1e-1, torch.float64: 1e-5}[dtype]
    np.testing.assert_allclose(found.raw, expected.raw, atol=rough * np.abs(expected.raw).max())


def test_small_gradients_in_half_precision_do_not_vanish() -> None:
    model = plain()
    with torch.no_grad():
        model[-1].weight.mul_(1e-6)
    expected = explain(model, target=1, layer="2")
    found = explain(model.half(), target=1, layer="2")
    assert found.raw.any()
    np.testing.assert_allclose(found.raw, expected.raw, atol=5e-2 * np.abs(expected.raw).max())


def test_pictures_as_pytorch_reads_them() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    model = plain()
    expected = explain(model, pixels, preprocess="unit")
    for image in (tensor, tensor.contiguous(), tensor.numpy()):
        assert np.array_equal(explain(model, image, preprocess="unit").raw, expected.raw)
    (found,) = visioncam.explain(model, tensor[None], preprocess="unit")
    assert np.array_equal(found.raw, expected.raw)
    assert np.array_equal(explain(model, tensor.float() / 255).raw, expected.raw)


def test_targets_of_every_kind() -> None:
    model = plain()
    with torch.no_grad():
        values = model(X[None])[0]
    assert explain(model, target=visioncam.targets.Contrast(1, 2)).score == pytest.approx(
        float(values[1] - values[2]), rel=1e-5
    )
    found = explain(model, target=lambda v: torch.log_softmax(v, -1)[:, 3], evidence="signed")
    assert found.score == pytest.approx(float(values.log_softmax(-1)[3]), rel=1e-5)
    assert found.raw.any()


def test_compare_evaluate_and_doctor() -> None:
    model = lively(networks.Base())
    found = visioncam.compare(model, X, targets="top2")
    assert not any(one.failures for one in found)
    table = visioncam.evaluate(model, [X, X.flip(1)], ["gradcam"], metrics=["deletion"], steps=3)
    assert not [note for note in table.notes if "randomised" in note]
    assert visioncam.doctor(model, X).facts["trace"].startswith("agrees with the model itself")
