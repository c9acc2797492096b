"""Attention of PyTorch models: fused or not, of several libraries, against the maps of other tools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers.attention import MAPS, close, golden
from helpers.torch_attention import KINDS, transformer

import visioncam

GOLDEN = golden()
X = GOLDEN["pictures"].transpose(0, 3, 1, 2)
THREE = ("rollout", "attentiongradient", "legrad")


def maps(model: Any, method: str, x: Any = X, target: Any = None, **options: Any) -> np.ndarray:
    target = [int(one) for one in GOLDEN["classes"]] if target is None else target
    found = visioncam.explain(model, list(x), method=method, target=target, batch_size=2, **options)
    return np.stack([one.raw for one in found])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MAPS)
def test_maps_are_those_of_other_libraries(kind: str, name: str) -> None:
    method, options = MAPS[name]
    model = transformer(kind)
    close(model(torch.from_numpy(X)).detach(), GOLDEN["logits"])
    close(maps(model, method, **options), GOLDEN[name])
