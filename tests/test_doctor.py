"""`visioncam.doctor`: the health report names what is wrong, and the way out."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L  # noqa: N812  -- as everybody writes it
from support_zoo import X, conv, functional, gap
from support_zoo_more import dead_last_layer

import visioncam


def codes(report: object) -> set[str]:
    return {diagnostic.code for diagnostic in report.diagnostics}  # type: ignore[attr-defined]


def test_a_healthy_model_is_healthy() -> None:
    """Two classes that look at two different colours: nothing to report, and the suggested call works."""
    i = L.Input((8, 8, 2))
    picture = np.zeros((8, 8, 2), np.float32)
    picture[:4, :, 0], picture[4:, :, 1] = 1.0, 0.6
    x = L.Activation("relu", name="features")(i)
    model = keras.Model(i, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(x)))
    model.set_weights([np.eye(2, dtype=np.float32) * 4, np.zeros(2, np.float32)])
    report = visioncam.doctor(model, picture)
    assert report.healthy, report
    assert "all is well" in str(report)
    assert "softmax" in report.facts["output"]
    again = eval(report.suggestion, {"visioncam": visioncam, "model": model, "image": picture})
    np.testing.assert_array_equal(again.raw, report.explanation.raw)


def test_a_dead_layer_is_reported() -> None:
    report = visioncam.doctor(dead_last_layer(), X[0])
    assert {"dead-layer", "no-positive-evidence"} <= codes(report)
    assert "evidence='signed'" in report.suggestion
    for diagnostic in report.diagnostics:
        assert diagnostic.fix


def test_a_map_that_ignores_the_class_is_reported() -> None:
    """Both classes read the same channel: the map cannot tell them apart."""
    i = L.Input((8, 8, 1))
    x = L.Activation("relu", name="features")(i)
    model = keras.Model(i, L.Dense(2)(L.GlobalAveragePooling2D()(x)))
    model.set_weights([np.array([[2.0, 1.0]], np.float32), np.zeros(2, np.float32)])
    report = visioncam.doctor(model, np.random.default_rng(0).random((8, 8, 1), dtype=np.float32))
    assert "class-insensitive" in codes(report)


def test_the_range_of_a_model_that_rescales_is_checked() -> None:
    """0..1 fed to a network with Rescaling(1/255)."""
    i = L.Input((16, 16, 3))
    x = gap(conv("c")(L.Rescaling(1 / 255)(i)))
    model = keras.Model(i, L.Dense(3, activation="softmax")(x))
    assert "pixel-range" in codes(visioncam.doctor(model, X[0]))
    assert "pixel-range" not in codes(visioncam.doctor(model, X[0] * 255))


@pytest.mark.parametrize("section", ["model", "input", "output", "score", "layer", "map", "class"])
def test_every_section_is_there(section: str) -> None:
    report = visioncam.doctor(functional(), X[0])
    assert report.facts[section]
    assert report.facts[section] in str(report)
