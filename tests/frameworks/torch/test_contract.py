"""The torch engine through the contract kit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers import torch_networks as networks
from helpers.torch_passes import SPEC
from torch import nn

from visioncam_core.testing import Check, engine_checks

PICTURES = networks.pictures(4).numpy()


class Residual(nn.Module):
    """A stem, a residual block, and a head over space."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2, padding=1)
        self.inner = nn.Conv2d(6, 6, 3, padding=1)
        self.hidden = nn.Linear(6 * 16, 4)
        self.fc = nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        y = self.stem(x).relu_()
        y = nn.functional.avg_pool2d(y + nn.functional.gelu(self.inner(y)), 2)
        return self.fc(self.hidden(y.flatten(1)).relu())


class TwoInputs(nn.Module):
    """A picture and a row of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3)
        self.fc = nn.Linear(5 + 2, 4)

    def forward(self, image: Any, numbers: Any) -> Any:
        return self.fc(torch.cat([self.conv(image).relu().mean((2, 3)), numbers], 1))


def checks() -> list[Check]:
    found = engine_checks(SPEC, networks.plain(softmax=True), PICTURES)
    found += engine_checks(SPEC, networks.lively(Residual()), PICTURES, layer="inner")
    found += engine_checks(SPEC, networks.lively(networks.Twice()), PICTURES, layer="conv2#0")
    found += engine_checks(SPEC, networks.lively(networks.ByHand()), PICTURES, rounding=1e-6, layer="conv2")
    numbers = np.random.default_rng(2).normal(size=(4, 2)).astype(np.float32)
    return found + engine_checks(SPEC, networks.lively(TwoInputs()), [PICTURES, numbers])


@pytest.mark.parametrize("check", checks())
def test_contract(check: Check) -> None:
    check()
