"""Layers with habits: they keep tensors, branch on values, need a closed batch, recompute, are quantized."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from helpers.networks import forms, legacy
from helpers.networks.kinds import X, conv, gap
from helpers.networks.maps import agree, maps, twin
from keras import layers as L  # noqa: N812  -- as everybody writes it
from keras import ops

import visioncam
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ModelError


def test_rematerialised_equals_plain() -> None:
    model = forms.rematerialised()
    agree(maps(model, X), maps(twin(model, pooled=True), X))


def test_an_exact_shape_trace_equals_an_open_one() -> None:
    """One picture at a time, one trace in all, and the note on every result."""
    model = forms.closed_batch()
    doubled = twin(model, after=lambda x: x * 2.0)
    agree(maps(model, X), maps(doubled, X, layer="re:^multiply"))  # Keras numbers its operations
    before = traces()
    for e in visioncam.explain(model, X):
        assert "exact-shape-trace" in {d.code for d in e.diagnostics}
        assert any("one picture at a time" in d.message for d in e.diagnostics)
    assert traces() == before


def traces() -> int:
    return COUNTERS.snapshot()["traces"]


def test_branches_and_loops_of_keras_2_run_as_they_would() -> None:
    model = legacy.keras2_subclassed()
    i = L.Input((16, 16, 3))
    x = conv("c2")(conv("c1")(i) * 2.0 + 1.0)
    plain = keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))
    plain.set_weights(model.get_weights())
    agree(maps(model, X), maps(plain, X))


def test_a_keras_3_layer_that_branches_on_values_goes_through_autograph() -> None:
    model = forms.branching_on_values()
    agree(maps(model, X), maps(twin(model, after=lambda x: x * 2.0 + 0.5), X, layer=-1))
    (e, _) = visioncam.explain(model, X)
    assert [d.code for d in e.diagnostics] == ["autograph-trace"]
    assert model(X).shape == (2, 5)


class Unpacking(keras.Model):
    """Runs eagerly only."""

    def __init__(self) -> None:
        super().__init__()
        self.first = conv("c")

    def call(self, x: Any) -> Any:
        x = self.first(x)
        return ops.mean(x * float(next(iter(ops.sum(x, (1, 2, 3))))), (1, 2))


def test_what_no_graph_can_hold_is_refused_with_its_cause() -> None:
    model = Unpacking()
    answer = model(X)
    with pytest.raises(ModelError, match="cannot be called on inputs of shape") as caught:
        visioncam.explain(model, X)
    assert caught.value.__cause__ is not None
    assert "call" not in model.__dict__
    np.testing.assert_array_equal(model(X), answer)


def test_what_a_layer_keeps_is_what_it_kept() -> None:
    """In an attribute, a dictionary and a list: its own tensors, with their values, and none of ours."""
    model = forms.layer_that_keeps_tensors()
    model(X)
    keeper = model.get_layer("keeper")
    kept, length = keeper.last, len(keeper.history)
    agree(maps(model, X), maps(twin(model), X, layer="c2"))
    assert keeper.last is keeper.seen["last"] is keeper.history[-1] is kept
    assert len(keeper.history) == length
    assert ops.convert_to_numpy(keeper.last).shape == (2, 16, 16, 8)


def test_a_quantized_layer_is_explained_through_its_own_gradient() -> None:
    """int8: the map is near that of the float model, at the quantized layer itself."""
    keras.utils.set_random_seed(3)
    quantized = forms.quantized_int8()
    keras.utils.set_random_seed(3)
    i = L.Input((16, 16, 3))
    x = L.Dense(8, activation="relu", name="mixer")(conv("c1")(i))
    plain = keras.Model(i, L.Dense(5, activation="softmax")(gap(x)))
    one, two = maps(quantized, X, layer="mixer"), maps(plain, X, layer="mixer")
    for method, values in one.items():
        assert np.corrcoef(values.ravel(), two[method].ravel())[0, 1] > 0.99, method
