"""Pictures of a batch that influence each other, and maps that are the same everywhere, are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.norms import (
    Does,
    Step,
    X,
    codes,
    network,
    pooled,
    told,
)
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops as K  # noqa: N812

import visioncam


def spread_out(x: Any) -> Any:
    return Does(lambda x: x * 0 + K.mean(x, axis=(1, 2), keepdims=True), name="flat")(x)


CONSTANT: dict[str, Step] = {
    "a mean spread out": lambda x: pooled(spread_out(x)),
    "a maximum spread out": lambda x: pooled(
        Does(lambda x: x * 0 + K.max(x, axis=(1, 2), keepdims=True), name="flat")(x)
    ),
    "one value for every position": lambda x: pooled(
        L.Conv2D(8, 1, kernel_initializer="zeros", bias_initializer="ones", name="flat")(x)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANT)
def test_a_constant_map_is_told(name: str) -> None:
    model = network(CONSTANT[name])
    for evidence in ("for", "against", "signed"):
        found = [
            visioncam.explain(model, X[0], "gradcam", layer="flat", target=k, evidence=evidence)
            for k in range(4)
        ]
        assert all(codes(e) & {"constant-map", "no-positive-evidence"} for e in found)
        assert any("constant-map" in codes(e) for e in found)
    assert "constant-map" not in codes(visioncam.explain(model, X[0], "gradcam", layer="c"))


class Restless(L.Layer):
    """A batch norm that keeps to the statistics of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = L.BatchNormalization()

    def build(self, shape: Any) -> None:
        self.norm.build(shape)

    def call(self, x: Any) -> Any:
        return self.norm(x, training=True)


MIXED: dict[str, Step] = {
    "x − the batch's mean": lambda x: x - K.mean(x, axis=0, keepdims=True),
    "statistics of the batch": Restless(),
    "a share of the batch": lambda x: K.exp(x) / K.sum(K.exp(x), axis=0, keepdims=True),
    "the batch's maximum": lambda x: x / K.max(x),
    "the batch's norm": lambda x: x / K.sqrt(K.sum(x * x)),
    "the one before": lambda x: K.cumsum(x, axis=0),
    "the batch mirrored": lambda x: K.flip(x, axis=0),
}


@pytest.mark.parametrize("name", MIXED)
def test_pictures_that_influence_each_other_are_told(name: str) -> None:
    step = MIXED[name]
    model = network(lambda x: pooled(L.ReLU()((step if isinstance(step, L.Layer) else Does(step))(x))), None)
    for e in visioncam.explain(model, X, layer="c"):
        assert told(e, "batch-mixes").fix
    assert "batch-mixes" in codes(visioncam.explain(model, X[0], "scorecam", layer="c"))
    together = visioncam.explain(model, X, layer="c", batch_size=1)
    for e, x in zip(together, X, strict=True):
        assert "batch-mixes" not in codes(e)
        np.testing.assert_array_equal(e.raw, visioncam.explain(model, x, layer="c").raw)


def test_the_doctor_tries_a_batch() -> None:
    model = network(lambda x: pooled(L.ReLU()(Does(MIXED["x − the batch's mean"])(x))), None)
    assert "batch-mixes" in codes(visioncam.doctor(model, X[0], layer="c"))
    assert "batch-mixes" not in codes(visioncam.doctor(model, X[0], layer="c", batch_size=1))


def test_what_draws_at_random_is_another_matter() -> None:
    model = network(lambda x: pooled(Does(lambda x: x * tf.random.uniform(tf.shape(x)))(x)), None)
    assert "batch-mixes" not in codes(visioncam.explain(model, X, layer="c")[0])


def test_pictures_that_do_not_are_not_told() -> None:
    for step in (L.BatchNormalization(), L.LayerNormalization(), L.Dropout(0.5), L.ReLU()):
        model = network(lambda x, step=step: pooled(step(x)), None)
        for e in visioncam.explain(model, X, layer="c"):
            assert "batch-mixes" not in codes(e)
        assert "batch-mixes" not in codes(visioncam.explain(model, X[0], "ablationcam", layer="c"))
