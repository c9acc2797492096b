"""A model with weights of its own: the trace of another, reading other weights in the place of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import attrs
import numpy as np

from visioncam_core.engine.model_card import card_of, set_model_card


class Copy(Protocol):
    """A copy of a model, whose weights can be set."""

    @property
    def model(self) -> Any:
        """The copy; it is explained like any model."""

    @property
    def owners(self) -> Sequence[int]:
        """For each weight the position of its layer, from the input."""

    def get(self) -> list[np.ndarray]:
        """Return the weights, in the order of `owners`."""

    def set(self, values: Sequence[np.ndarray]) -> None:
        """Set the weights."""


@attrs.frozen(eq=False)
class Twin:
    """A model with other weights; nothing of it is copied but these.

    Attributes:
        original: the model.
        names: of the weights, in the model's own order.
        own: what the trace knows the model's weights by; held, so that their numbers stay theirs.
        others: what is read in their place.
    """

    original: Any
    names: tuple[str, ...]
    own: tuple[Any, ...]
    others: tuple[Any, ...]

    @property
    def replaced(self) -> dict[int, Any]:
        """Number of a weight -> what is read in its place."""
        return {id(one): other for one, other in zip(self.own, self.others, strict=True)}

    def get(self) -> list[np.ndarray]:
        """Return the weights."""
        raise NotImplementedError

    def set(self, values: Sequence[np.ndarray]) -> None:
        """Set the weights."""
        raise NotImplementedError


def original(model: Any) -> Any:
    """Return the model that a twin is of; any other model itself."""
    return model.original if isinstance(model, Twin) else model


@attrs.frozen(eq=False)
class TwinCopy:
    """A twin with the card of its model; see `Copy`."""

    model: Twin
    owners: tuple[int, ...]

    @classmethod
    def of(cls, twin: Twin, model: Any, separator: str) -> TwinCopy:
        """Return the copy.

        Args:
            twin: of the model, or of the model that it is a twin of.
            model: what is copied; its card is the copy's.
            separator: between the name of a layer and that of its weight.
        """
        card = card_of(model)
        if card is not None:
            set_model_card(twin, card)
        names = [name.rpartition(separator)[0] for name in twin.names]
        layers = list(dict.fromkeys(names))
        return cls(twin, tuple(map(layers.index, names)))

    def get(self) -> list[np.ndarray]:
        return self.model.get()

    def set(self, values: Sequence[np.ndarray]) -> None:
        self.model.set(values)
