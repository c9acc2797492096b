"""`visioncam.export` of PyTorch models: what is in the files, what they answer, and what is refused."""

from __future__ import annotations

import copy
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import visioncam
from visioncam_core.errors import GradientError, ModelError

CLASSES = 5
HAS_ONNX = all(find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))
needs_onnx = pytest.mark.skipif(not HAS_ONNX, reason="onnx, onnxruntime or onnxscript is missing")
FORMS = [pytest.param("onnx", marks=needs_onnx), "pt2"]


class Network(nn.Module):
    """A stem, and behind it one of each step whose gradient is written in operations that go forward."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.grouped = nn.Conv2d(8, 8, (3, 2), (2, 1), (1, 0), dilation=(1, 2), groups=4)
        self.wider = nn.ConvTranspose2d(8, 8, 3, 2, 1, output_padding=1)
        self.groups, self.token = nn.GroupNorm(2, 8), nn.LayerNorm(8)
        self.mix = nn.MultiheadAttention(8, 2, batch_first=True)
        self.late = nn.Conv2d(16, 12, 1)
        self.head = nn.Linear(12, CLASSES)

    def forward(self, x: Any) -> Any:
        x = F.relu6(self.norm(self.stem(x)), inplace=True)
        y = F.hardswish(self.groups(self.grouped(F.max_pool2d(x, 3, 1, 1))))
        y = F.avg_pool2d(F.silu(self.wider(y)), 3, 2, 1, ceil_mode=True, count_include_pad=False)
        y = F.interpolate(y, scale_factor=2, mode="bilinear") * F.adaptive_avg_pool2d(y, 1).sigmoid()
        y = torch.cat([y, F.interpolate(F.leaky_relu(y), size=y.shape[-2:], mode="nearest")], 1)
        y = F.adaptive_avg_pool2d(y, (5, 4))
        t = self.token(y[:, :8].flatten(2).transpose(1, 2))
        t = (t + self.mix(t, t, t, need_weights=False)[0]).transpose(1, 2).unflatten(2, (5, 4))
        y = F.gelu(self.late(torch.cat([t, y[:, 8:]], 1)))
        return self.head(F.dropout(y.mean((2, 3)), 0.5, self.training)).softmax(-1)


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(3)
    made = Network()
    with torch.no_grad():
        for _ in range(3):
            made(torch.randn(4, 3, 20, 16))
        for one in made.parameters():
            one.mul_(1.5)
    return made.eval()


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (2, 3, 20, 16)).astype(np.float32)


@pytest.fixture(scope="module", params=FORMS)
def written(
    request: pytest.FixtureRequest, model: Any, pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """Return an export of the first layer, told the class."""
    path = tmp_path_factory.mktemp(request.param) / f"cat.{request.param}"
    outputs = ("probabilities", "raw", "heatmap")
    return visioncam.export(
        model, path, layer="stem", target="input", size=(30, 9), outputs=outputs, pictures=[*pictures]
    )


def answers(path: Path, *given: np.ndarray) -> dict[str, np.ndarray]:
    """Return what a file answers, run by its own runtime alone."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        names = [one.name for one in session.get_inputs()]
        found = session.run(None, dict(zip(names, given, strict=True)))
        return dict(zip([one.name for one in session.get_outputs()], found, strict=True))
    found = torch.export.load(path).module()(*map(torch.from_numpy, given))
    return {name: one.detach().numpy() for name, one in found.items()}


def test_a_file_answers_a_batch_as_explain_does(written: Any, model: Any, pictures: np.ndarray) -> None:
    found = answers(written.path, pictures, np.asarray([-1, 2], np.int32))
    with torch.no_grad():
        np.testing.assert_allclose(found["probabilities"], model(torch.from_numpy(pictures)), atol=1e-5)
    for i, target in enumerate((None, 2)):
        wanted = visioncam.explain(model, pictures[i], layer="stem", target=target)
        scale = np.abs(wanted.raw).max()
        np.testing.assert_allclose(found["raw"][i] / scale, wanted.raw / scale, atol=1e-4)
        assert found["heatmap"][i].shape == (30, 9)


def test_its_record_and_its_metadata(written: Any) -> None:
    assert written.error < 1e-4
    assert written.same_class == (True, True)
    assert (written.layer, written.batch) == ("stem", True)
    if written.format == "onnx":
        import onnx

        held = {one.key: one.value for one in onnx.load(written.path).metadata_props}["visioncam"]
        assert written.opset == 18
    else:
        files = {"visioncam.json": ""}
        torch.export.load(written.path, extra_files=files)
        held = files["visioncam.json"]
    assert json.loads(held) == written.metadata
    assert written.metadata["outputs"] == {"probabilities": [], "raw": [10, 8], "heatmap": [30, 9]}


class Small(nn.Module):
    """Two convolutions with something between them."""

    def __init__(self, between: Any = torch.relu) -> None:
        super().__init__()
        self.early, self.late = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 6, 3)
        self.head, self.between = nn.Linear(6, CLASSES), between

    def forward(self, x: Any) -> Any:
        return self.head(self.late(self.between(self.early(x))).relu().mean((2, 3)))


def small(between: Any = torch.relu) -> Any:
    torch.manual_seed(1)
    return Small(between).eval()


METHODS: dict[str, dict[str, Any]] = {
    "hirescam": {}, "xgradcam": {}, "gradcamplusplus": {}, "gradcamelementwise": {}, "respondcam": {},
    "layercam": {"gamma": 2.0}, "eigencam": {"centre": True},
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_one_pass(method: str, pictures: np.ndarray, tmp_path: Path) -> None:
    found = visioncam.export(
        small(), tmp_path / "m.pt2", method, layer="late", pictures=[*pictures], **METHODS[method]
    )
    assert found.error < 1e-4


@needs_onnx
def test_at_the_last_map_the_weight_is_stored_once(pictures: np.ndarray, tmp_path: Path) -> None:
    made = nn.Sequential(
        nn.Conv2d(3, 256, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 2000)
    )
    found = visioncam.export(made.eval(), tmp_path / "big.onnx", pictures=[*pictures])
    assert found.size < 4 * 1.02 * sum(one.numel() for one in made.parameters()) + 100_000
    import onnx

    assert "Gather" in {node.op_type for node in onnx.load(found.path).graph.node}


@needs_onnx
def test_the_embedded_network(tmp_path: Path) -> None:
    found = visioncam.export(visioncam.demo.load("torch"), tmp_path / "cat.onnx")
    assert found.error < 1e-4
    assert found.same_class == (True, True, True)


def test_one_value_stands_for_two_classes(pictures: np.ndarray, tmp_path: Path) -> None:
    made = small()
    made.head = nn.Sequential(nn.Linear(6, 1), nn.Sigmoid())
    found = visioncam.export(made, tmp_path / "m.pt2", pictures=[*pictures], target="input")
    assert found.error < 1e-4
    for i, target in enumerate((0, 1)):
        raw = answers(found.path, pictures[i : i + 1], np.asarray([target], np.int32))["heatmap"]
        wanted = visioncam.explain(made, pictures[i], target=target).raw
        np.testing.assert_allclose(
            raw[0], np.maximum(wanted, 0) / (wanted.max() if wanted.max() > 0 else 1), atol=1e-4
        )


def test_the_model_is_left_as_it_was(pictures: np.ndarray, tmp_path: Path) -> None:
    made = small().train()
    made.early.register_forward_hook(lambda module, given, output: output * 2)
    before, held = copy.deepcopy(made.state_dict()), {one: dict(vars(one)) for one in made.modules()}
    found = visioncam.export(made, tmp_path / "m.pt2", layer="early", pictures=[*pictures])
    assert found.error < 1e-4
    with pytest.raises(ModelError):
        visioncam.export(made, tmp_path / "m.tflite", layer="early", pictures=[*pictures])
    assert {one: dict(vars(one)) for one in made.modules()} == held
    assert all(torch.equal(one, before[name]) for name, one in made.state_dict().items())
    assert all(one.grad is None and one.requires_grad for one in made.parameters())


@needs_onnx
def test_an_operation_that_onnx_lacks_is_named_with_the_next_layer(
    pictures: np.ndarray, tmp_path: Path
) -> None:
    def turned(x: Any) -> Any:
        places = F.affine_grid(torch.eye(2, 3).expand(len(x), 2, 3) * 0.8, x.shape, align_corners=False)
        return F.grid_sample(x, places, align_corners=False)

    with pytest.raises(
        GradientError, match=r"x.onnx at early: .*'grid_sampler_2d_backward'; layer='late' works"
    ):
        visioncam.export(small(turned), tmp_path / "x.onnx", layer="early", pictures=[*pictures])
    assert list(tmp_path.iterdir()) == []
    assert (
        visioncam.export(small(turned), tmp_path / "x.pt2", layer="early", pictures=[*pictures]).error < 1e-4
    )


REFUSED: dict[str, tuple[Any, str, str]] = {
    "tflite": (small, "x.tflite", r"becomes .onnx or .pt2, not 'x.tflite'; for TFLite"),
    "folder": (small, "x", r"becomes .onnx or .pt2, not 'x'"),
    "half": (lambda: small().half(), "x.pt2", r"'Small' computes in torch.float16; export model.float\(\)"),
    "reads": (
        lambda: small(lambda x: x * (2 if x.mean() > 0 else 1)),
        "x.pt2",
        r"cannot become one graph: .*reads",
    ),
    "random": (
        lambda: small(lambda x: x + torch.rand_like(x)),
        "x.pt2",
        r"draws random numbers \(rand_like\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused(name: str, pictures: np.ndarray, tmp_path: Path) -> None:
    make, file, message = REFUSED[name]
    with pytest.raises(ModelError, match=message):
        visioncam.export(make(), tmp_path / file, pictures=[*pictures])
    assert list(tmp_path.iterdir()) == []
