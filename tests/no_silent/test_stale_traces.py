"""A trace is used again only as long as the model computes what it computed when it was traced."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks import reads
from helpers.networks.reads import TABLE, Own, X, answer, check_current, network, own, twice
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam


def set_to(name: str, value: Any) -> Callable[[Any], None]:
    return lambda model: setattr(own(model), name, value)


def other_class(model: Any) -> None:
    class Other(Own):
        def call(self, x: Any) -> Any:
            return tf.nn.relu(super().call(x))

    own(model).__class__ = Other


def other_call_of_the_layer(model: Any) -> None:
    layer = own(model)
    layer.call = lambda x: x * 5.0


CHANGES: dict[str, Callable[[Any], Any]] = {
    "flag": set_to("flag", True),
    "float": set_to("scale", 3.0),
    "index": set_to("index", 1),
    "tuple": set_to("pair", (1.0, 4.0)),
    "tensor": set_to("constant", tf.constant([1.0, 2, 3, 4])),
    "array": set_to("array", np.array([4.0, 3, 2, 1], np.float32)),
    "array in place": lambda model: np.copyto(own(model).array, [4.0, 3, 2, 1]),
    "dataclass": lambda model: setattr(own(model).settings, "scale", 3.0),
    "deep inside": lambda model: own(model).settings.deep["list"][1].update(x=3.0),
    "slots": lambda model: setattr(own(model).slotted, "scale", 3.0),
    "namespace": lambda model: setattr(own(model).space, "scale", 3.0),
    "function in a list": lambda model: own(model).steps.__setitem__(0, twice),
    "partial": set_to("bent", partial(tf.multiply, y=3.0)),
    "layers in another order": lambda model: own(model).branches.reverse(),
    "class": other_class,
    "call": other_call_of_the_layer,
}


def check_changed(model: Any, change: Callable[[Any], Any]) -> None:
    before = answer(model)
    change(model)
    check_current(model)
    assert not np.allclose(before[1], answer(model)[1], atol=1e-4), "the change changed nothing"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_a_layer_of_the_users_own_reads(change: Callable[[Any], Any]) -> None:
    check_changed(network(Own(name="own")), change)


KERAS: dict[str, tuple[Callable[[], Any], str, Any]] = {
    "negative_slope": (lambda: L.ReLU(), "negative_slope", 0.9),
    "leaky": (lambda: L.LeakyReLU(0.1), "negative_slope", 0.9),
    "dilation": (lambda: L.Conv2D(4, 3, padding="same"), "dilation_rate", (2, 2)),
    "padding": (lambda: L.Conv2D(4, 3, padding="same"), "padding", "valid"),
    "strides": (lambda: L.Conv2D(4, 3, padding="same"), "strides", (3, 3)),
    "bias": (lambda: L.Conv2D(4, 3, bias_initializer="ones"), "use_bias", False),
    "epsilon": (lambda: L.LayerNormalization(), "epsilon", 5.0),
    "scale": (lambda: L.Rescaling(0.5), "scale", 3.0),
    "offset": (lambda: L.Rescaling(0.5), "offset", [0.0, 1, 0, 0]),
    "pool": (lambda: L.MaxPooling2D(2, 1), "pool_size", (5, 5)),
    "activation": (lambda: L.Activation("relu"), "activation", keras.activations.tanh),
    "axis": (lambda: L.Softmax(axis=-1), "axis", 1),
    "function": (lambda: L.Lambda(lambda x: x), "function", twice),
}


@pytest.mark.parametrize("case", KERAS.values(), ids=KERAS)
def test_whatever_a_layer_of_keras_reads(case: tuple[Callable[[], Any], str, Any]) -> None:
    make, name, value = case
    layer = make()
    check_changed(network(layer), lambda model: setattr(layer, name, value))


def test_a_normalization_that_is_adapted_again_or_loaded(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    norm = L.Normalization()
    norm.adapt(draw.normal(2, 3, (50, 8, 8, 3)))
    model = network(before=(norm,))
    model.save_weights(tmp_path / "one.weights.h5")
    check_changed(model, lambda model: norm.adapt(draw.normal(-5, 0.5, (50, 8, 8, 3))))
    check_changed(model, lambda model: model.load_weights(tmp_path / "one.weights.h5"))


def test_a_class_that_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its attributes, its `call`, and a helper of it, as when a cell of a notebook is run again."""
    model = network(Own(name="own"))
    check_changed(model, lambda model: monkeypatch.setattr(Own, "shift", 2.0))
    check_changed(model, lambda model: monkeypatch.setattr(Own, "helped", lambda self, x: tf.nn.relu(x)))
    check_changed(model, lambda model: monkeypatch.setattr(Own, "call", lambda self, x: x * 5.0))
    check_changed(
        model, lambda model: monkeypatch.setattr(L.GlobalAveragePooling2D, "call", lambda self, x: x[:, 0, 0])
    )


def test_what_a_function_closes_over_or_reads_from_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    scale, table = 1.0, {"scale": 1.0}

    def scaled(x: Any) -> Any:
        return x * scale * table["scale"]

    def larger(model: Any) -> None:
        nonlocal scale
        scale = 3.0

    model = network(L.Lambda(scaled), Own(name="own"))
    check_changed(model, larger)
    check_changed(model, lambda model: table.update(scale=2.0))
    check_changed(model, lambda model: monkeypatch.setattr(reads, "GLOBAL", 2.0))
    check_changed(model, lambda model: monkeypatch.setitem(TABLE, "scale", 2.0))


def hidden() -> tuple[Any, Any]:
    local = threading.local()
    local.scale = 1.0
    return network(L.Lambda(lambda x: x * local.scale)), local


def test_what_no_mark_shows_is_found_when_the_weights_have_changed_too() -> None:
    model, local = hidden()
    answer(model)
    local.scale = 3.0
    model.set_weights([weight * 1.5 for weight in model.get_weights()])
    found = visioncam.explain(model, X, target=0, layer="conv")[0]
    assert "stale-trace" in {one.code for one in found.diagnostics}
    assert "stale-trace" not in {
        one.code for one in visioncam.explain(model, X, target=0, layer="conv")[0].diagnostics
    }
    check_current(model)


def test_the_doctor_finds_it_at_any_time() -> None:
    model, local = hidden()
    answer(model)
    local.scale = 3.0
    report = visioncam.doctor(model, X, layer="conv")
    assert "stale-trace" in {one.code for one in report.diagnostics}
    assert "agrees with the model itself" in report.facts["trace"]
    check_current(model)
    assert visioncam.doctor(model, X, layer="conv").facts["trace"] == report.facts["trace"]
