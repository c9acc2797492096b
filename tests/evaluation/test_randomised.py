"""Models with random weights, made from the trained one step by step."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import visioncam
from visioncam.evaluation.randomised import Randomised, redraw
from visioncam_core.metrics.probe import probes
from visioncam_core.pipeline.explainer import Explainer
from visioncam_engines.tensorflow.engine import TensorFlowEngine
from visioncam_engines.tensorflow.testing.keras_models import gap_dense


def deep() -> Any:
    inputs = keras.Input((8, 8, 2))
    x = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Conv2D(3, 1, activation="relu", name="pointwise")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="head")(x))


def test_the_cascade_begins_with_the_trained_weights_and_goes_down_layer_by_layer() -> None:
    model = deep()
    copy = Randomised.of(TensorFlowEngine().copy(model), steps=4)
    trained = model.get_weights()

    def moved(step: int, seed: int = 0) -> list[str]:
        copy.step(step, seed)
        pairs = zip(model.weights, copy.copy.get(), trained, strict=True)
        changed = [w.path.split("/")[0] for w, now, then in pairs if not np.array_equal(now, then)]
        return list(dict.fromkeys(changed))

    assert moved(0) == []
    assert moved(1) == ["head"]
    assert moved(2) == ["pointwise", "head"]
    assert "first" not in moved(3)
    assert moved(4)[0] == "first"
    copy.step(4, 0)
    one = copy.copy.get()
    copy.step(4, 1)
    assert not np.array_equal(one[0], copy.copy.get()[0])
    assert all(np.array_equal(a, b) for a, b in zip(trained, model.get_weights(), strict=True))


def test_at_step_zero_the_maps_are_identical() -> None:
    model, x = deep(), np.random.default_rng(0).normal(size=(1, 8, 8, 2)).astype(np.float32)
    copy = Randomised.of(TensorFlowEngine().copy(model), steps=2)
    copy.step(0, 0)
    one = visioncam.explain(model, x, layer="pointwise")[0]
    other = visioncam.explain(copy.model, x, layer="pointwise")[0]
    assert np.abs(one.raw).max() > 0
    assert np.array_equal(one.raw, other.raw)


def test_redrawn_keeps_variances_positive_and_moves_pointwise_kernels(rng: np.random.Generator) -> None:
    variance = rng.uniform(0.1, 1, 5)
    assert sorted(redraw(variance, rng)) == sorted(variance)
    kernel = rng.normal(size=(1, 1, 4, 4)).astype(np.float32)
    drawn = redraw(kernel, rng)
    assert drawn.dtype == kernel.dtype
    assert np.abs(drawn - kernel).min() > 0
    assert redraw(np.array([1, 2]), rng).tolist() == [1, 2]


def test_the_remainder_is_exact_where_the_probability_rounds_to_one() -> None:
    model = gap_dense(np.array([[40.0, 0.0]]), grid=(2, 2), activation="softmax")
    explainer: Explainer = visioncam.explainer(model)
    probe = next(probes(explainer, np.ones((1, 2, 2, 1), np.float32)))
    target, seen = probe.observation.targets[0], probe.observation
    assert target.probability(seen.values, seen.answer)[0] == 1
    assert target.remainder(seen.values, seen.answer)[0] == pytest.approx(np.exp(-40.0), rel=1e-4)
