"""What cannot be explained, or not as it was passed: an error that names the value received and the fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from helpers import torch_networks as networks
from helpers.torch_networks import lively, pictures, plain
from helpers.torch_passes import ENGINE
from torch import nn

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import (
    BackendError,
    GradientError,
    ImageError,
    LayerError,
    ModelError,
    OptionTypeError,
    VisionCamError,
)
from visioncam_engines.torch.checks import require_torch

X = pictures()[0]
HWC = np.zeros((16, 16, 3), np.float32)


class Category:
    """A target as pytorch-grad-cam has them."""

    def __init__(self, category: int) -> None:
        self.category = category

    def __call__(self, output: Any) -> Any:
        return output[..., self.category]


@attrs.frozen
class Bad:
    """What is wrong, and what the error says."""

    run: Callable[[], Any]
    error: type[VisionCamError]
    says: tuple[str, ...]


class Top(networks.Base):
    def forward(self, x: Any) -> Any:
        return super().forward(x).argmax(1)


def on_meta() -> Any:
    with torch.device("meta"):
        return plain()


def two_dtypes() -> Any:
    model = plain()
    model[-1].double()
    return model


def explain(model: Any, image: Any = X, **keywords: Any) -> Any:
    return visioncam.explain(model, image, **keywords)


BAD = {
    "scripted": Bad(
        lambda: explain(torch.jit.trace(plain(), X[None])), ModelError, ("TorchScript", "that was scripted")
    ),
    "lazy": Bad(
        lambda: explain(nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(3))),
        ModelError,
        ("lazy", "call the model once"),
    ),
    "meta": Bad(lambda: explain(on_meta()), ModelError, ("meta device", "to_empty")),
    "a class": Bad(lambda: explain(networks.Base), ModelError, ("that is a class", "a model made of it")),
    "a layer": Bad(lambda: explain(nn.Conv2d(3, 4, 3)), ModelError, ("single layer Conv2d", "layer=")),
    "no forward": Bad(
        lambda: explain(nn.ModuleDict({"net": plain()})), ModelError, ("no forward method", "'net'")
    ),
    "weights": Bad(lambda: explain(plain().state_dict()), ModelError, ("load_state_dict",)),
    "a method": Bad(lambda: explain(plain().forward), ModelError, ("pass the model itself", "'forward'")),
    "the picture first": Bad(lambda: explain(X, plain()), ModelError, ("pass the model first",)),
    "no answer": Bad(
        lambda: explain(type("Nothing", (networks.Base,), {"forward": lambda self, x: None})()),
        ModelError,
        ("returns no tensor",),
    ),
    "fails": Bad(
        lambda: explain(type("Fails", (networks.Base,), {"forward": lambda self, x: x.nope})()),
        ModelError,
        ("cannot be called on inputs of shape [(1, 3, 16, 16)]", "no attribute 'nope'"),
    ),
    "a dictionary": Bad(
        lambda: explain(type("Keyed", (networks.Base,), {"forward": lambda self, x: x.get("image")})()),
        ModelError,
        ("it takes a dictionary and reads 'image' from it", "return self.model({'image': x})"),
    ),
    "two dtypes": Bad(lambda: explain(two_dtypes()), ModelError, ("must have the same dtype",)),
    "channels last": Bad(
        lambda: explain(plain(), HWC), ImageError, ("(16, 16, 3)", "array.transpose(2, 0, 1)", "permute(")
    ),
    "a batch, channels last": Bad(
        lambda: explain(plain(), HWC[None]), ImageError, ("image 0 of 1", "channels seem to be last")
    ),
    "no channels": Bad(lambda: explain(plain(), HWC[..., 0]), ImageError, ("no channel axis",)),
    "four channels": Bad(lambda: explain(plain(), pictures(1, 16, 4)[0]), ImageError, ("alpha",)),
    "an empty batch": Bad(lambda: explain(plain(), X[None][:0]), ImageError, ("empty batch",)),
    "not a number": Bad(lambda: explain(plain(), X * float("nan")), ImageError, ("NaN",)),
    "another model's layer": Bad(
        lambda: explain(plain(), layer=plain()[2]), LayerError, ("Conv2d is not part of", "this very")
    ),
    "an unknown layer": Bad(lambda: explain(plain(), layer="0.7"), LayerError, ("no layer '0.7'",)),
    "a layer without space": Bad(lambda: explain(plain(), layer="6"), LayerError, ("cannot be explained",)),
    "no gradient": Bad(
        lambda: explain(Top()),
        GradientError,
        ("no gradient", "ScoreCAM"),
    ),
    "target_layers": Bad(
        lambda: explain(plain(), target_layers=[plain()[2]]), OptionTypeError, ("layer=model.layer4[-1]",)
    ),
    "targets": Bad(lambda: explain(plain(), targets=[Category(3)]), OptionTypeError, ("pass target=3",)),
    "class_idx": Bad(lambda: explain(plain(), class_idx=3), OptionTypeError, ("'target', as in target=3",)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
@pytest.mark.parametrize("name", BAD)
def test_an_error_says_what_to_do(name: str) -> None:
    bad = BAD[name]
    with pytest.raises(bad.error) as found:
        bad.run()
    assert all(part in str(found.value) for part in bad.says), found.value


def test_an_older_torch_is_refused() -> None:
    require_torch("2.4.0")
    require_torch("3.0.0a0+git")
    with pytest.raises(BackendError, match=r"PyTorch 2\.3\.1\+cpu is older than 2\.4"):
        require_torch("2.3.1+cpu")


def test_a_model_in_training_mode_is_explained_at_rest_and_that_is_said() -> None:
    model = plain()
    expected = explain(model)
    found = explain(model.train())
    assert np.array_equal(found.raw, expected.raw)
    assert [one.code for one in found.diagnostics if one not in expected.diagnostics] == ["training-mode"]
    assert model.training
    partly = plain()
    partly[0][1].train()
    assert "training-mode" in [one.code for one in explain(partly).diagnostics]


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "frozen": lambda model: model.requires_grad_(False),
    "compiled": lambda model: torch.compile(model),
    "compiled in place": lambda model: (model[2].compile(), model)[1],
    "DataParallel": lambda model: nn.DataParallel(model),
    "channels last in memory": lambda model: model.to(memory_format=torch.channels_last),
    "a scripted part": lambda model: (model.__setitem__(0, torch.jit.script(model[0])), model)[1],
}


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
@pytest.mark.parametrize("name", WRAPPED)
def test_a_wrapped_model_is_explained_as_the_model_inside(name: str) -> None:
    expected, found = explain(plain(), layer="2"), explain(WRAPPED[name](plain()), layer="2")
    np.testing.assert_allclose(found.raw, expected.raw, atol=1e-6 * np.abs(expected.raw).max())
    told = {one.code for one in found.diagnostics} - {one.code for one in expected.diagnostics}
    assert told == ({"placement-stretched"} if name == "a scripted part" else set())


def test_adapters_of_peft_are_part_of_the_model() -> None:
    peft = pytest.importorskip("peft")
    model = peft.get_peft_model(lively(networks.Base()), peft.LoraConfig(target_modules=["conv2"], r=2))
    nn.init.normal_(model.base_model.model.conv2.lora_B["default"].weight)
    found = explain(model.eval(), target=1, layer="base_model.model.conv")
    with torch.no_grad():
        assert found.score == pytest.approx(float(model(X[None])[0, 1]), rel=1e-5)


def test_a_reference_of_similarity_may_still_be_on_its_graph() -> None:
    model = plain()
    reference = model(pictures(2)[1:])[0]
    assert reference.requires_grad
    found = explain(model, target=visioncam.targets.Similarity(reference))
    assert found.raw.any()
    assert reference.requires_grad
    assert reference.grad_fn is not None


class Full(networks.ByHand):
    """A device whose memory is full with more than three pictures."""

    def forward(self, x: Any) -> Any:
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


def test_batches_are_halved_when_memory_runs_out() -> None:
    model, roomy = lively(Full()), lively(networks.ByHand())
    before = COUNTERS.snapshot()["halved"]
    found, expected = (visioncam.explain(one, X, "scorecam", target=1) for one in (model, roomy))
    assert COUNTERS.snapshot()["halved"] > before
    np.testing.assert_allclose(found.raw, expected.raw, rtol=1e-4, atol=1e-6)


def test_a_picture_that_does_not_fit_into_memory_is_told() -> None:
    class Never(networks.ByHand):
        room = True

        def forward(self, x: Any) -> Any:
            if not Never.room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(x)

    model = lively(Never())
    explain(model)
    with visioncam.explainer(model) as explainer:
        explainer(X)
        Never.room = False
        with pytest.raises(ModelError, match=r"out of memory.*smaller batch_size="):
            explainer(X)
        Never.room = True


def test_an_error_of_a_target_is_not_the_model_s() -> None:
    def fails(values: Any) -> Any:
        raise RuntimeError("mine")

    with pytest.raises(VisionCamError, match="target fails failed"):
        explain(plain(), target=fails)
    assert ENGINE.name == "torch"
