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
from torch.nn import functional as F

import visioncam
from visioncam_core.errors import GradientError, ModelError
from visioncam_engines.exported import onnx_file

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


METHODS: dict[str, dict[str, Any]] = {
    "hirescam": {}, "xgradcam": {}, "gradcamplusplus": {}, "gradcamelementwise": {}, "respondcam": {},
    "layercam": {"gamma": 2.0}, "eigencam": {"centre": True},
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_one_pass(method: str, model: Any, pictures: np.ndarray, tmp_path: Path) -> None:
    found = visioncam.export(
        model, tmp_path / "m.pt2", method, layer="late", pictures=[*pictures], **METHODS[method]
    )
    assert found.error < 1e-4
