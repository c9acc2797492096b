"""Attention of Keras models, on a backend other than TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from helpers.attention import BLOCKS, MAPS, attention_of, close, golden
from helpers.keras_attention import transformer, windowed
from visioncam_core.errors import LayerError
from visioncam_core.ops import to_numpy

GOLDEN = golden()
SETTINGS: dict[str, Any] = {"target": [int(one) for one in GOLDEN["classes"]], "preprocess": None}


def attended(model: Any, method: str, **options: Any) -> np.ndarray:
    found = visioncam.explain(model, list(GOLDEN["pictures"]), method=method, **SETTINGS, **options)
    return np.stack([to_numpy(one.raw) for one in found])


def test_attention_maps_are_those_of_other_libraries() -> None:
    model = transformer()
    for name, (method, options) in MAPS.items():
        close(attended(model, method, **options), GOLDEN[name])
    close(attended(model, "legrad", batch_size=1), GOLDEN["legrad_class_token"])


def test_attention_that_keras_computes_another_way() -> None:
    close(attended(transformer(dropout=0.1), "attentiongradient"), GOLDEN["gae_chefer2021"])


def test_attention_and_its_gradients_are_the_model_s_own() -> None:
    found = attention_of(transformer(), GOLDEN["pictures"], "score", **SETTINGS)
    assert (found.prefix, found.grid, found.suffix) == (1, (3, 4), 0)
    close(found.read, np.eye(13)[[0, 0]], 1e-6)
    for b in range(BLOCKS):
        close(found.weights[b], GOLDEN[f"attention{b}"])
        close(found.gradients[b], GOLDEN[f"attention_gradient{b}"])


def test_attention_of_a_model_that_pools_its_patches() -> None:
    found = attention_of(transformer(pooled=True), GOLDEN["pictures"], preprocess=None)
    close(found.read, np.tile([0.0, *[1 / 12] * 12], (2, 1)), 1e-6)


def test_attention_inside_windows_is_refused() -> None:
    picture = np.random.default_rng(0).standard_normal((32, 32, 3), np.float32)
    with pytest.raises(LayerError, match="inside windows of 16 tokens"):
        visioncam.explain(windowed(), picture, method="legrad", target=1, preprocess=None)
