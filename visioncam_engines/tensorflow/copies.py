"""Copies of a Keras model, whose weights can be set."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_card import card_of, set_model_card
from visioncam_core.errors import ModelError
from visioncam_core.text import error_text


@attrs.frozen(eq=False)
class KerasCopy:
    """A copy of a Keras model; see `visioncam_core.engine.interface.Copy`."""

    model: Any
    owners: tuple[int, ...]

    @classmethod
    def of(cls, model: Any) -> KerasCopy:
        """Return a copy with the same weights and card; the program's random state stays.

        Raises:
            ModelError: a model that Keras cannot copy.
        """
        state = random.getstate()  # initialisers draw their seeds from it
        try:
            if type(model).__module__.startswith("tf_keras"):
                import tf_keras as keras
            else:
                import keras
            copy = keras.models.clone_model(model)
            copy.set_weights(model.get_weights())
        except Exception as error:
            raise ModelError(
                f"the model {getattr(model, 'name', 'model')!r} cannot be copied ({error_text(error)}); a "
                "subclassed model needs get_config and from_config, else leave out what needs randomised "
                "copies"
            ) from error
        finally:
            random.setstate(state)
        card = card_of(model)
        if card is not None:
            set_model_card(copy, card)
        names = [str(getattr(one, "path", one.name)).rpartition("/")[0] for one in copy.weights]
        layers = list(dict.fromkeys(names))
        return cls(copy, tuple(map(layers.index, names)))

    def get(self) -> list[np.ndarray]:
        return [np.array(one) for one in self.model.get_weights()]

    def set(self, values: Sequence[np.ndarray]) -> None:
        self.model.set_weights(list(values))
