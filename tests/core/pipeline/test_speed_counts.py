"""What is found out about a model once is not found out again, and never outlives a change of the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import keras
import pytest
from helpers.networks.kinds import backbone, functional
from keras import layers as L  # noqa: N812  -- as everybody writes it

from visioncam_core.engine.layer_table import LayerRow, LayerTable, Layout
from visioncam_core.layers import auto
from visioncam_core.testing.examples.tables import make_table
from visioncam_engines.keras.fingerprint import Fingerprint, fingerprint
from visioncam_engines.keras.recording import walk


def nested() -> keras.Model:
    return keras.Sequential(
        [L.Input((16, 16, 3)), backbone(), L.GlobalAveragePooling2D(), L.Dense(5, name="scores")]
    )


class Listed(keras.Model):
    """Layers in a list and a dictionary, and a model inside."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nested()
        self.many = [L.Dense(4, activation="relu", name="first"), {"key": L.Dense(3, name="second")}]

    def call(self, x: Any) -> Any:
        return self.many[1]["key"](self.many[0](self.inner(x)))


def another_activation(model: Any) -> None:
    unit = [unit for _, unit in walk(model) if "activation" in unit.__dict__][-1]
    unit.activation = keras.activations.tanh


def another_layer_in_a_list(model: Any) -> None:
    model._layers.append(L.Dense(2))


def another_variable_far_inside(model: Any) -> None:
    unit = [unit for _, unit in walk(model) if unit.__dict__.get("_trainable_variables")][-1]
    unit._trainable_variables[0] = keras.Variable(unit._trainable_variables[0])


@pytest.mark.parametrize("build", [functional, nested, Listed])
@pytest.mark.parametrize("change", [another_activation, another_layer_in_a_list, another_variable_far_inside])
def test_a_fingerprint_sees_every_unit_and_what_is_replaced(
    build: Callable[[], Any], change: Callable[[Any], None]
) -> None:
    model = build()
    model(keras.ops.zeros((1, 16, 16, 3)))
    before = fingerprint(model)
    assert fingerprint(model) == before
    assert isinstance(before.model, Fingerprint)
    assert {id(unit) for _, unit in walk(model)} <= {id(one()) for one in before.model.held}
    change(model)
    assert fingerprint(model) != before


def test_auto_chooses_once_for_a_table() -> None:
    """A table never changes; another table is another choice."""
    asked: list[int] = []

    def support(rows: Sequence[LayerRow]) -> list[float]:
        asked.append(len(rows))
        return [1.0] * len(rows)

    row = make_table().rows[-4]
    tokens = attrs.evolve(
        row, path="tokens", shape=(24, 8), layout=Layout("tokens", row.grid, 8), index=0, reaches_score=True
    )
    table = LayerTable((tokens,), (64, 96), token_support=support)
    choices = [auto.visioncam_select_layer(table=table, query="auto") for _ in range(3)]
    assert len(asked) == 1
    assert all(choice is choices[0] for choice in choices)
    auto.visioncam_select_layer(table=attrs.evolve(table), query="auto")
    assert len(asked) == 2
