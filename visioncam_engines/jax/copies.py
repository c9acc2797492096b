"""A Keras model on JAX with other weights: its own graph, run with other arrays in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.copies import Twin
from visioncam_core.errors import ModelError
from visioncam_core.text import brief


@attrs.define(eq=False)
class Weight:
    """What is read in the place of a weight: its `value`, as of a variable of Keras."""

    value: Any


class JaxTwin(Twin):
    """A model with other arrays, each a `Weight`, in the place of its variables."""

    @classmethod
    def of(cls, model: Any) -> JaxTwin:
        own = tuple(model.weights)
        if not own:
            raise ModelError(f"{brief(model, 60)} has no weights to randomise; leave that out")
        return cls(model, tuple(str(one.path) for one in own), own, tuple(Weight(one.value) for one in own))

    def get(self) -> list[np.ndarray]:
        return [np.array(one.value) for one in self.others]

    def set(self, values: Sequence[np.ndarray]) -> None:
        import jax

        for one, value in zip(self.others, values, strict=True):
            one.value = jax.numpy.asarray(value, dtype=one.value.dtype)
