"""A Keras model or SavedModel with other weights: its own graph, run with other variables in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visioncam_core.engine.copies import Twin
from visioncam_core.errors import ModelError
from visioncam_core.text import brief
from visioncam_engines.tensorflow.graph.saved_model import variables_of


class GraphTwin(Twin):
    """A model with other variables, in the place of the resources that its graph reads."""

    @classmethod
    def of(cls, model: Any) -> GraphTwin:
        import tensorflow as tf

        weights = variables_of(model)
        if not weights:
            raise ModelError(f"{brief(model, 60)} has no weights to randomise; leave that out")
        own = [getattr(weight, "_value", weight) for weight in weights]  # what Keras 3 keeps inside its own
        twins = []
        for variable in own:
            with tf.device(variable.device):
                twins.append(tf.Variable(tf.identity(variable), trainable=False))
        names = tuple(str(getattr(weight, "path", weight.name)) for weight in weights)
        return cls(model, names, tuple(variable.handle for variable in own), tuple(twins))

    @property
    def replaced(self) -> dict[int, Any]:
        return {id(handle): other.handle for handle, other in zip(self.own, self.others, strict=True)}

    def get(self) -> list[np.ndarray]:
        return [np.array(one.numpy()) for one in self.others]

    def set(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self.others, values, strict=True):
            variable.assign(value)
