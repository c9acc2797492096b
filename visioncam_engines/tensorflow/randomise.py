"""Copies of a model whose weights are drawn anew, from the logits down; the model itself is never touched."""

from __future__ import annotations

import random
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_card import card_of, set_model_card
from visioncam_core.errors import ModelError
from visioncam_core.text import said


@attrs.frozen(eq=False)
class Randomised:
    """A copy of a model that can be randomised step by step.

    Attributes:
        model: the copy; explain it like any model.
        trained: its weights as trained.
        owners: for each weight the position of its layer, from the input.
        steps: steps from the trained model to one with every layer random.
    """

    model: Any
    trained: list[np.ndarray]
    owners: list[int]
    steps: int

    @classmethod
    def of(cls, model: Any, steps: int = 4) -> Randomised:
        """Return a copy with the trained weights.

        Args:
            model: a built Keras model; it is not changed.
            steps: steps of the cascade; each randomises as many layers more.

        Raises:
            ModelError: a model that Keras cannot copy.
        """
        copy = copied(model)
        weights = list(copy.weights)
        names = [str(getattr(one, "path", one.name)).rpartition("/")[0] for one in weights]
        layers = list(dict.fromkeys(names))
        return cls(copy, [np.array(one) for one in copy.get_weights()], [*map(layers.index, names)], steps)

    def step(self, number: int, seed: int) -> None:
        """Give the copy the weights of one step: 0 is as trained, `steps` has every layer random.

        Weights of the layers below stay exactly as trained.  A weight drawn at one step is the same at
        the next.
        """
        layers = max(self.owners, default=-1) + 1
        first = layers - round(layers * number / self.steps)
        values = [
            redrawn(value, np.random.default_rng((seed, i))) if owner >= first else value
            for i, (value, owner) in enumerate(zip(self.trained, self.owners, strict=True))
        ]
        self.model.set_weights(values)


def redrawn(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a weight drawn anew: a kernel from a normal distribution with its own mean and spread.

    Vectors (biases, scales, statistics) are shuffled, so that a variance stays positive.  What is not a
    floating point number, such as a counter, stays.
    """
    if value.dtype.kind != "f" or value.ndim == 0:
        return value
    if value.ndim == 1:
        return rng.permutation(value)
    drawn = rng.normal(float(value.mean(dtype=np.float64)), float(value.std(dtype=np.float64)), value.shape)
    return drawn.astype(value.dtype)


def copied(model: Any) -> Any:
    """Return a copy of a Keras model with the same weights and card; the program's random state stays.

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
            f"the model {getattr(model, 'name', 'model')!r} cannot be copied ({said(error)}); a subclassed "
            "model needs get_config and from_config, else leave out what needs randomised copies"
        ) from error
    finally:
        random.setstate(state)
    card = card_of(model)
    if card is not None:
        set_model_card(copy, card)
    return copy
