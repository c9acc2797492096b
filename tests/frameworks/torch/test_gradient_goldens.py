"""Gradient family, layer Integrated Gradients and Finer-CAM against others' maps: PyTorch."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from helpers import golden_nets

import visioncam
from visioncam_core.results.explanation import Explanation


@cache
def network(name: str) -> Any:
    return golden_nets.torch_net(name)


def explain(net: str, x: np.ndarray, target: Any, method: str, **options: Any) -> Explanation:
    layer = {"layer": "8"} if method in ("layerintegratedgradients", "gradcam") else {}
    image = torch.tensor(np.moveaxis(x, -1, 0).copy())
    found = visioncam.explain(network(net), image, method, target=target, **layer, **options)
    assert isinstance(found, Explanation)
    return found


@pytest.mark.parametrize("net", golden_nets.NETS)
def test_single_gradients(net: str) -> None:
    golden_nets.of_single_gradients(explain, net)


@pytest.mark.parametrize("net", golden_nets.NETS)
def test_smoothgrad(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    golden_nets.of_smoothgrad(explain, net, monkeypatch)


@pytest.mark.parametrize("net", golden_nets.NETS)
def test_finer_cam(net: str) -> None:
    golden_nets.of_finer_cam(explain, net)


@pytest.mark.parametrize("net", golden_nets.NETS)
def test_layer_integrated_gradients(net: str) -> None:
    golden_nets.of_layer_integrated_gradients(explain, net)


@pytest.mark.parametrize("net", golden_nets.NETS)
def test_expected_gradients(net: str) -> None:
    golden_nets.of_expected_gradients(explain, net)
