"""`visioncam.doctor`: the health report names what is wrong, and the way out."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import kinds as zoo
from helpers.networks.kinds import X, conv, functional, gap
from helpers.networks.ranks import dead_last_layer
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.results.agreement import rank_correlation


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
    assert "no problem found" in str(report)
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


def test_the_whole_health_report_is_there() -> None:
    """Model kind, head, score used, layer choice, range, gradient flow, map quality, suggested call."""
    i = L.Input((16, 16, 3))
    model = keras.Model(
        i, L.Dense(3, activation="softmax")(gap(conv("c")(L.Rescaling(1 / 255)(i)))), name="m"
    )
    model.layers[2].set_weights([np.full((3, 3, 3, 8), 0.1), np.zeros(8)])
    model.layers[-1].set_weights([np.eye(8, 3), np.zeros(3)])  # five of eight channels reach no class
    picture = np.linspace(0, 255, 768).reshape(16, 16, 3).astype(np.uint8)
    report = visioncam.doctor(model, picture, target=1)
    parts = {
        "model": ("m: functional", "4 layer outputs", "2 of them candidates"),
        "trace": ("agrees with the model itself, within ",),
        "input": ("array as (16, 16, 3)", "resize, none", "Rescaling"),
        "range": ("0 to 255; the model takes 0 to 255", "Rescaling"),
        "output": ("'dense", "of 1, shape (3,): 3 classes, softmax"),
        "score": ("logit of class 1 = ",),
        "layer": ("c (16, 16, 8): the last feature map",),
        "place": ("off an even spread; drawn effective",),
        "gradient": ("reaches 100% of 256 positions and 12% of 8 channels, up to 0.00391",),
        "map": ("of 256 positions positive, the strongest holds",),
        "class": ("rank correlation", "with the map for class"),
    }
    assert set(report.facts) == set(parts)
    for section, words in parts.items():
        assert [word for word in words if word not in report.facts[section]] == [], report.facts[section]
        assert report.facts[section] in str(report)
    assert (
        str(report).splitlines()[-1]
        == "suggested: visioncam.explain(model, image, method='gradcam', target=1, layer='c')"
    )


@pytest.mark.parametrize(
    ("name", "kind", "head"),
    [
        ("sequential", "Sequential", "5 classes, softmax"),
        ("subclassed", "subclassed", "5 classes, softmax"),
        ("one_sigmoid", "functional", "one value for two classes, sigmoid"),
        ("multi_label", "functional", "4 classes that are not mutually exclusive, sigmoid"),
        ("regression", "functional", "1 value, no softmax or sigmoid found"),
    ],
)
def test_kinds_of_models_and_heads(name: str, kind: str, head: str) -> None:
    report = visioncam.doctor(getattr(zoo, name)(), X[0], "scorecam")
    assert f": {kind}, " in report.facts["model"]
    assert head in report.facts["output"]
    assert report.facts["gradient"] == "scorecam needs none"
    assert report.explanation.options["weights"] == "softmax"


def test_two_kinds_of_cats_are_no_fault_of_the_map() -> None:
    """The two best classes look at the same place, as they should; the third looks elsewhere."""
    i = L.Input((8, 8, 2))
    picture = np.random.default_rng(1).random((8, 8, 2), dtype=np.float32)
    model = keras.Model(i, L.Dense(3)(L.GlobalAveragePooling2D()(L.Activation("relu", name="features")(i))))
    model.set_weights([np.array([[4, 3.9, -1], [0, 0, 2]], np.float32), np.zeros(3, np.float32)])
    report = visioncam.doctor(model, picture)
    second = visioncam.explain(model, picture, target=1)
    assert rank_correlation(report.explanation.raw, second.raw) > 0.99
    assert "class-insensitive" not in codes(report)
    assert report.facts["class"].endswith("with the map for class 2")


def test_a_picture_is_decoded_once() -> None:
    """A dataset that shuffles anew each time is still one picture."""
    data = (
        tf.data.Dataset.from_tensor_slices(np.stack([X[0] * k / 8 for k in range(1, 9)])).shuffle(8).batch(1)
    )
    report = visioncam.doctor(functional(), data)
    assert report.facts["range"].startswith(f"{report.explanation.picture.min():.4g} to ")
