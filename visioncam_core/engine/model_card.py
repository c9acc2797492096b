"""Cards: what VisionCam knows about a model beyond the model itself.

`set_model_card` attaches class names, preprocessing and geometry to a model without
touching it; the facade asks `card_of`. The model is held weakly: a card lives
as long as its model.
"""

from __future__ import annotations

import reprlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ModelError


@attrs.frozen
class ModelCard:
    """What belongs to a model: how its pictures are preprocessed and what its outputs are called.

    Nothing in a card may hold the model itself, or the model would never be freed.

    Attributes:
        class_names: one name per output index, or None where unknown.
        preprocess: what is done to the fitted picture, as in `explain(preprocess=)`; None where unknown.
        geometry: how a picture is fitted, as in `explain(geometry=)`; None for the default.
        title: the model's name for display.
        channels_first: whether its pictures are (K, *space); None for what is usual in its framework.
    """

    class_names: tuple[str, ...] | None = None
    preprocess: Callable[[np.ndarray], np.ndarray] | str | None = None
    geometry: object | str | None = None
    title: str = ""
    channels_first: bool | None = None


_cards: weakref.WeakKeyDictionary[Any, ModelCard] = weakref.WeakKeyDictionary()
_lock = threading.RLock()


def set_model_card(model: object, card: ModelCard) -> None:
    """Attach a card to a model; a second card replaces the first.

    Raises:
        ModelError: no card can be attached to such an object.
    """
    if not isinstance(card, ModelCard):
        raise ModelError(
            f"a card is a visioncam.ModelCard, received {reprlib.repr(card)}; make one: ModelCard(...)"
        )
    try:
        with _lock:
            _cards[model] = card
    except TypeError:
        raise ModelError(
            f"no card can be attached to {reprlib.repr(model)} of type {type(model).__name__}; "
            "give the model object itself"
        ) from None


def card_of(model: object) -> ModelCard | None:
    """Return the model's card, or None where it has none."""
    try:
        with _lock:
            return _cards.get(model)
    except TypeError:
        return None
