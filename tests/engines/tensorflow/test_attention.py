"""Attention of Keras models on TensorFlow, against the maps of other tools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.attention import MAPS, close, golden
from helpers.keras_attention import transformer

import visioncam

GOLDEN = golden()
X = GOLDEN["pictures"]


def maps(model: Any, method: str, target: Any = None, **options: Any) -> np.ndarray:
    target = [int(one) for one in GOLDEN["classes"]] if target is None else target
    found = visioncam.explain(model, list(X), method=method, target=target, preprocess=None, **options)
    return np.stack([one.raw for one in found])


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("name", MAPS)
def test_maps_are_those_of_other_libraries(name: str, dropout: float) -> None:
    method, options = MAPS[name]
    model = transformer(dropout=dropout)
    close(model(X).numpy(), GOLDEN["logits"])
    close(maps(model, method, **options), GOLDEN[name])
