"""Methods of regions on PyTorch: other libraries' values, one pool of pictures."""

from __future__ import annotations

import pytest
from helpers import golden_regions as shared
from helpers.golden_nets import torch_net


@pytest.mark.parametrize("net", shared.NETS)
def test_values_of_shap_and_captum(net: str) -> None:
    shared.of_values(torch_net(net), net, True)


@pytest.mark.parametrize("net", shared.NETS)
def test_masks_of_rise(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.of_rise(torch_net(net), net, True, monkeypatch)


def test_methods_share_their_pictures() -> None:
    shared.of_one_pool(torch_net("gap"), True)
