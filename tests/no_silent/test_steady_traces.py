"""Using a model changes nothing of what it computes: it is not traced again, and not accused."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers.networks.reads import Own, X, answer, check_current, network, own
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError


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
