"""A map says what it misses, what another seed would change, and what was assumed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import visioncam

X = np.random.default_rng(0).random((12, 12, 3), np.float32)


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(3)
    picture = keras.Input((12, 12, 3))
    wide = keras.initializers.RandomNormal(stddev=1.0)
    inside = keras.layers.Conv2D(4, 3, activation="tanh", kernel_initializer=wide)(picture)
    return keras.Model(
        picture,
        keras.layers.Dense(3)(keras.layers.Dense(5, activation="tanh")(keras.layers.Flatten()(inside))),
    )


def codes(model: Any, method: str, **options: Any) -> set[str]:
    return {one.code for one in visioncam.explain(model, X, method, target=0, **options).diagnostics}


def test_a_sum_that_is_not_reached_is_told(model: Any) -> None:
    assert "incomplete" in codes(model, "integratedgradients", steps=1)
    assert "incomplete" not in codes(model, "integratedgradients", steps=512)


def test_draws_that_are_too_few_are_told(model: Any) -> None:
    assert "unsteady-sample" in codes(model, "kernelshap", regions="grid:4", n=40)
    assert "unsteady-sample" not in codes(model, "partitionshap", regions="grid:2")


def test_a_baseline_in_pixels_is_guessed_aloud_where_nobody_says_what_pixels_become(model: Any) -> None:
    assert "baseline-assumed" in codes(model, "integratedgradients")
    assert "baseline-assumed" not in codes(model, "integratedgradients", baseline="zero")
