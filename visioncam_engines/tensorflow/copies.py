"""Copies of a model whose weights can be set: its own graph, run with other variables in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_card import card_of, set_model_card
from visioncam_core.errors import ModelError
from visioncam_core.text import brief
from visioncam_engines.tensorflow.graph.saved_model import variables_of


@attrs.frozen(eq=False)
class Twin:
    """A model with other weights; nothing of it is copied but these.

    Attributes:
        original: the model.
        names: of the weights, in the model's own order.
        variables: what is read in their place.
        replaced: the same by the number of the resource that the model's graph reads.
        held: these resources, so that their numbers stay theirs.
    """

    original: Any
    names: tuple[str, ...]
    variables: tuple[Any, ...]
    replaced: dict[int, Any]
    held: tuple[Any, ...]

    @classmethod
    def of(cls, model: Any) -> Twin:
        import tensorflow as tf

        weights = variables_of(model)
        if not weights:
            raise ModelError(f"{brief(model, 60)} has no weights that could be randomised; leave that out")
        own = [getattr(weight, "_value", weight) for weight in weights]  # what Keras 3 keeps inside its own
        twins = []
        for variable in own:
            with tf.device(variable.device):
                twins.append(tf.Variable(tf.identity(variable), trainable=False))
        handles = [variable.handle for variable in own]
        names = tuple(str(getattr(weight, "path", weight.name)) for weight in weights)
        replaced = {id(handle): twin.handle for handle, twin in zip(handles, twins, strict=True)}
        return cls(model, names, tuple(twins), replaced, tuple(handles))


def original(model: Any) -> Any:
    """Return the model that a twin is of; any other model itself."""
    return model.original if isinstance(model, Twin) else model


@attrs.frozen(eq=False)
class KerasCopy:
    """A model with weights of its own; see `visioncam_core.engine.interface.Copy`."""

    model: Twin
    owners: tuple[int, ...]

    @classmethod
    def of(cls, model: Any) -> KerasCopy:
        """Return a copy with the same weights and card.

        Raises:
            ModelError: a model without weights.
        """
        twin = Twin.of(original(model))
        card = card_of(model)
        if card is not None:
            set_model_card(twin, card)
        names = [name.rpartition("/")[0] for name in twin.names]
        layers = list(dict.fromkeys(names))
        return cls(twin, tuple(map(layers.index, names)))

    def get(self) -> list[np.ndarray]:
        return [np.array(one.numpy()) for one in self.model.variables]

    def set(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self.model.variables, values, strict=True):
            variable.assign(value)
