"""Methods of regions on PyTorch: other libraries' values, one pool of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import golden_regions as shared
from helpers.golden_nets import torch_net

import visioncam
from visioncam.html_report.content import photo_of


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
