"""A trace is used again only as long as the model computes what it computed when it was traced."""

from __future__ import annotations

import gc
import threading
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError

X = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype(np.float32)
GLOBAL = 1.0
TABLE = {"scale": 1.0}


def network(*middle: Any, before: tuple[Any, ...] = ()) -> Any:
    """Return a small network with some layers between its convolution and its head."""
    keras.utils.set_random_seed(3)
    head = [L.GlobalAveragePooling2D(name="pool"), L.Dense(3, activation="softmax", name="head")]
    conv = L.Conv2D(4, 3, padding="same", name="conv")
    return keras.Sequential([keras.Input((8, 8, 3)), *before, conv, *middle, *head])


@dataclass
class Settings:
    scale: float = 1.0
    deep: dict[str, Any] = field(default_factory=lambda: {"list": [1.0, {"x": 1.0}]})


class Slotted:
    __slots__ = ("scale",)

    def __init__(self) -> None:
        self.scale = 1.0


def twice(x: Any) -> Any:
    return x * 2.0


class Own(L.Layer):
    """A layer that reads whatever a user's layer could read."""

    shift = 0.0

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.flag, self.scale, self.index, self.pair = False, 1.0, 0, (1.0, 1.0)
        self.settings, self.slotted, self.space = Settings(), Slotted(), types.SimpleNamespace(scale=1.0)
        self.constant, self.array = tf.constant([1.0, 1, 1, 1]), np.ones(4, np.float32)
        self.steps = [lambda x: x, twice]
        self.branches = [L.Conv2D(4, 1, name=f"branch{i}") for i in range(2)]
        self.bent = partial(tf.multiply, y=1.0)

    def build(self, shape: Any) -> None:
        for branch in self.branches:
            branch.build(shape)

    def helped(self, x: Any) -> Any:
        return x

    def call(self, x: Any) -> Any:
        x = tf.nn.relu(x) if self.flag else x
        x = self.steps[self.index](x) * self.scale * self.pair[1] + self.shift
        x = x * self.settings.scale * self.settings.deep["list"][1]["x"] * self.slotted.scale
        x = x * self.space.scale * self.constant * self.array * GLOBAL * TABLE["scale"]
        return self.helped(self.bent(self.branches[self.index](x)))


def own(model: Any) -> Own:
    return next(one for one in model.layers if isinstance(one, Own))


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


def answer(model: Any) -> tuple[np.ndarray, np.ndarray]:
    explained = visioncam.explain(model, X, target=0, layer="conv")[0]
    return explained.raw, np.array([p.value for p in sorted(explained.predictions, key=lambda p: p.index)])


def check_current(model: Any) -> None:
    """The map, and what it says of the model's answer, are those of the model as it is now."""
    raw, probabilities = answer(model)
    np.testing.assert_allclose(probabilities, model(X).numpy()[0], atol=1e-6)
    visioncam.forget(model)
    np.testing.assert_array_equal(raw, answer(model)[0])


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
        return x * scale * table["scale"] * np.float32(GLOBAL)

    def larger(model: Any) -> None:
        nonlocal scale
        scale = 3.0

    model = network(L.Lambda(scaled), Own(name="own"))
    check_changed(model, larger)
    check_changed(model, lambda model: table.update(scale=2.0))
    check_changed(model, lambda model: monkeypatch.setitem(globals(), "GLOBAL", 2.0))
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
    assert "answers as the model itself does" in report.facts["trace"]
    check_current(model)
    assert visioncam.doctor(model, X, layer="conv").facts["trace"] == report.facts["trace"]


def test_comparing_draws_nothing_from_the_users_seed_and_accuses_no_random_model() -> None:
    model = network(L.Lambda(lambda x: x + tf.random.normal(tf.shape(x))))

    def drawn(look: bool) -> np.ndarray:
        keras.utils.set_random_seed(5)
        if look:
            model.set_weights([weight * 1.01 for weight in model.get_weights()])
            assert "trace" not in "".join(one.code for one in visioncam.explain(model, X)[0].diagnostics)
        return tf.random.uniform([3]).numpy()

    visioncam.explain(model, X)
    np.testing.assert_array_equal(drawn(look=True), drawn(look=False))


class Remembers(L.Layer):
    """Keeps what it saw last, and how often it was called: no part of what it computes."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.last, self.shape_seen, self.all, self.calls = None, None, {}, 0

    def call(self, x: Any) -> Any:
        self.last, self.shape_seen = x, x.shape
        self.all["x"] = x
        self.calls += 1
        return x * 1.0


class Plain(Own):
    """Reads as much, and has no branch that is not taken."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.branches = self.branches[:1]


def traces() -> int:
    return COUNTERS.snapshot()["traces"]


@pytest.mark.parametrize("middle", [L.BatchNormalization, L.Dropout, Plain, Remembers])
def test_calling_and_training_a_model_does_not_change_it(middle: Callable[[], Any], tmp_path: Path) -> None:
    rate = {"rate": 0.5} if middle is L.Dropout else {}
    model = network(middle(**rate))
    answer(model)
    before = traces()
    many = np.repeat(X, 6, axis=0)
    uses: list[Callable[[], Any]] = [
        lambda: model(X),
        lambda: model(many, training=True),
        lambda: model.predict(many, verbose=0),
        lambda: model.compile("sgd", "mse", metrics=["mae"]),
        lambda: model.fit(many, np.zeros((6, 3)), verbose=0),
        lambda: model.evaluate(many, np.zeros((6, 3)), verbose=0),
        lambda: model.train_on_batch(many, np.zeros((6, 3))),
        lambda: model.summary(print_fn=lambda *_, **__: None),
        lambda: model.save_weights(tmp_path / "w.weights.h5"),
        lambda: visioncam.compare(model, X, ["gradcam", "scorecam"], layer="conv"),
    ]
    for use in uses:
        use()
        check = visioncam.explain(model, X, target=0, layer="conv")[0]
        assert check.raw.shape == (8, 8)
    assert traces() == before


def test_with_an_explainer_the_model_is_declared_unchanged() -> None:
    model = network(Own(name="own"))
    ask = visioncam.explainer(model, layer="conv")
    with ask as same:
        assert same is ask
        first = ask(X, 0)[0]
        np.testing.assert_array_equal(ask(X, 0)[0].raw, first.raw)
    held = ask.__enter__()
    own(model).scale = 3.0
    np.testing.assert_array_equal(held(X, 0)[0].raw, first.raw)
    with pytest.raises(ModelError, match="changed inside `with explainer:`"):
        ask.__exit__(None, None, None)
    assert not np.allclose(ask(X, 0)[0].raw, first.raw)

    def change_and_fail() -> None:
        with ask:
            own(model).scale = 5.0
            raise KeyError

    with pytest.raises(KeyError):  # the error of the block itself is the one that is seen
        change_and_fail()
    check_current(model)


def test_a_mark_holds_nothing_of_the_model() -> None:
    model = network(Own(name="own"))
    answer(model)
    parts = [weakref.ref(model), weakref.ref(own(model)), weakref.ref(own(model).array)]
    del model
    gc.collect()
    assert [one() for one in parts] == [None] * 3
