"""Copies of a model whose weights can be set: its own graph, run with other weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_card import card_of, set_model_card
from visioncam_core.errors import ModelError
from visioncam_core.text import brief


@attrs.define(eq=False)
class Weight:
    """One weight of a twin.

    Attributes:
        name: as the model's.
        value: what is read in its place.
    """

    name: str
    value: Any


@attrs.frozen(eq=False)
class Twin:
    """A model with other weights; nothing of it is copied but these.

    Attributes:
        original: the model.
        weights: in the model's own order, each with what it stands for.
        replaced: number of a variable -> what is read in its place.
    """

    original: Any
    weights: tuple[Weight, ...]
    replaced: dict[int, Weight]

    @classmethod
    def of(cls, model: Any) -> Twin:
        weights = list(model.weights)
        if not weights:
            raise ModelError(f"{brief(model, 60)} has no weights that could be randomised; leave that out")
        twins = tuple(Weight(str(one.path), one.value) for one in weights)
        return cls(model, twins, {id(one): twin for one, twin in zip(weights, twins, strict=True)})


def original(model: Any) -> Any:
    """Return the model that a twin is of; any other model itself."""
    return model.original if isinstance(model, Twin) else model


@attrs.frozen(eq=False)
class JaxCopy:
    """A model with weights of its own; see `visioncam_core.engine.interface.Copy`."""

    model: Twin
    owners: tuple[int, ...]

    @classmethod
    def of(cls, model: Any) -> JaxCopy:
        """Return a copy with the same weights and card.

        Raises:
            ModelError: a model without weights.
        """
        twin = Twin.of(original(model))
        card = card_of(model)
        if card is not None:
            set_model_card(twin, card)
        names = [one.name.rpartition("/")[0] for one in twin.weights]
        layers = list(dict.fromkeys(names))
        return cls(twin, tuple(map(layers.index, names)))

    def get(self) -> list[np.ndarray]:
        return [np.array(one.value) for one in self.model.weights]

    def set(self, values: Sequence[np.ndarray]) -> None:
        import jax

        for one, value in zip(self.model.weights, values, strict=True):
            one.value = jax.numpy.asarray(value, dtype=one.value.dtype)
