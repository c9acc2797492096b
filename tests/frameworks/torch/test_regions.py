"""Methods of regions on PyTorch: other libraries' values, one pool of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import golden_regions as shared
from helpers.golden_nets import torch_net

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
