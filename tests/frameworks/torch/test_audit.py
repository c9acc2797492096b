"""The audit of a PyTorch model, channels first: a planted tag, and what hiding it costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import visioncam


class Brighter(nn.Module):
    """Class 0 has a logit of how bright a picture is, class 1 the rest."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Sequential(nn.Conv2d(3, 1, 4, stride=4, bias=False), nn.ReLU())
        nn.init.constant_(self.cells[0].weight, 1 / 48)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright = self.cells(x).sum(dim=(2, 3))
        return torch.cat([bright - 2, 2 - bright], dim=1)


@pytest.mark.parametrize("tile", [False, True])
def test_a_tag_is_found_and_decides(tile: bool) -> None:
    rng = np.random.default_rng(0)
    side = 64 if tile else 32
    pictures = np.zeros((8, side, side, 3), np.float32)
    for picture in pictures:
        top, left = rng.integers(side // 4, side // 2, 2)
        picture[top : top + 8, left : left + 8] = rng.uniform(0.2, 0.3)
        picture[-4:, side // 2 - 4 : side // 2 + 4] = 3
    inputs = (pictures * 80).astype(np.uint8) if tile else np.moveaxis(pictures, -1, 1)
    how = {"geometry": "tile", "preprocess": lambda pixels: pixels / 80} if tile else {}
    model = Brighter().eval()
    if tile:
        model.input_size = (3, 32, 32)  # type: ignore[assignment]
    told = visioncam.audit(model, list(inputs), **how)
    (one,) = told.findings
    assert (one.explained, one.place) == ("class 0", "bottom middle")
    assert one.drop is not None
    assert one.verdict == "decides"
    assert one.drop.value > 0.3
    assert one.times > 5
