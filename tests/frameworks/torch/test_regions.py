"""Methods of regions on PyTorch: other libraries' values, one pool of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import golden_regions as shared
from helpers.golden_nets import torch_net
from helpers.torch_steps import Chain
from torch import nn

import visioncam
from visioncam.html_report.content import photo_of
from visioncam_core.errors import OptionError


@pytest.mark.parametrize("net", shared.NETS)
def test_values_of_shap_and_captum(net: str) -> None:
    shared.of_values(torch_net(net), net, True)


@pytest.mark.parametrize("net", shared.NETS)
def test_masks_of_rise(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.of_rise(torch_net(net), net, True, monkeypatch)


def test_methods_share_their_pictures() -> None:
    shared.of_one_pool(torch_net("gap"), True)


def test_a_comparison_keeps_the_order_and_its_report_tells_each_layer() -> None:
    x = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)
    found = visioncam.compare(torch_net("gap"), x, ["saliency", "gradcam", "gradientinput"])
    assert isinstance(found, visioncam.Comparison)
    assert [one.method for one in found] == list(found.seconds) == ["saliency", "gradcam", "gradientinput"]
    photo = photo_of([found])
    assert photo is not None
    (view,) = photo.views
    assert [one.layer.startswith("input: ") for one in view.maps] == [True, False, True]
    assert view.layer == found["gradcam"].layer.path


def test_own_regions_are_refused_where_windows_are_explained() -> None:
    photo = np.random.default_rng(0).integers(0, 256, (40, 70, 3), np.uint8)
    labels = np.arange(40 * 70).reshape(40, 70) // 700
    model = visioncam.blackbox(lambda x: x.mean(axis=(1, 2)), size=(32, 32))
    with pytest.raises(OptionError, match="geometry='tile' cuts it into windows; pass 'grid:7'"):
        visioncam.explain(model, photo, "partitionshap", regions=labels, geometry="tile")


def test_doctor_tells_the_account() -> None:
    x = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)
    report = visioncam.doctor(torch_net("gap"), x, "partitionshap", regions="grid:2")
    assert report.facts["account"].startswith("against grey, adds up to ")


PLAIN = {
    "a view across axes": lambda x: x.view(len(x), -1),
    "read as it lies in memory": lambda x: x.as_strided((len(x), 4 * 8 * 8), (4 * 8 * 8, 1)),
    "any order": lambda x: x.flatten(1),
}


@pytest.mark.parametrize("kind", sorted(PLAIN))
def test_a_model_that_depends_on_the_order_of_memory_is_run_in_its_own(kind: str) -> None:
    """Several pictures are run channels last where that changes nothing: each map is that of single ones."""
    torch.manual_seed(0)
    moved: Callable[[Any], Any] = PLAIN[kind]
    model = Chain(conv=nn.Conv2d(3, 4, 3, padding=1), relu=nn.ReLU(), moved=moved).eval()
    model(torch.zeros(1, 3, 8, 8))
    x = np.random.default_rng(0).random((3, 8, 8)).astype(np.float32)
    asked = {
        "occlusion": {"regions": "grid:4", "hidden": "zero"},
        "integratedgradients": {"steps": 8, "baseline": "zero"},
    }
    many, single = (
        {name: visioncam.explain(model, x, name, target=1, batch_size=size, **asked[name]) for name in asked}
        for size in (None, 1)
    )
    for name in asked:
        np.testing.assert_allclose(many[name].raw, single[name].raw, atol=1e-6)
    with torch.no_grad():
        hidden = torch.as_tensor(x)[None].clone()
        hidden[..., :2, :2] = 0
        drop = float((model(torch.as_tensor(x)[None]) - model(hidden))[0, 1])
    assert many["occlusion"].regions.contributions[0] == pytest.approx(drop, abs=1e-5)


def test_rise_repeats_itself_on_the_embedded_model() -> None:
    """RISE with 1,000 masks says, and shows with another seed, that it correlates above .8 with itself."""
    model, photo = visioncam.demo.load("torch"), Path(__file__).parents[3] / "examples" / "chelsea.png"
    one, other = (visioncam.explain(model, photo, method="rise", seed=seed) for seed in (0, 1))
    assert np.corrcoef(one.raw.ravel(), other.raw.ravel())[0, 1] > 0.8
    assert one.account.repeats > 0.8
    assert "another seed" in str(one.account)
