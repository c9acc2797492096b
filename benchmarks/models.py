"""The networks that are measured, with random weights, and their compiled forward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np


@attrs.frozen(eq=False)
class Subject:
    """One network ready to be measured.

    Attributes:
        name: of `keras.applications`.
        model: with random weights.
        forward: the warmed, compiled forward pass with an open batch: F.
        size: side of its input.
    """

    name: str
    model: Any
    forward: Callable[[Any], Any]
    size: int

    def pictures(self, count: int, seed: int = 0) -> np.ndarray:
        """Return (count, size, size, 3) float32 pictures within the model's range."""
        draw = np.random.default_rng(seed)
        return draw.uniform(-1, 1, (count, self.size, self.size, 3)).astype(np.float32)


def subject(name: str) -> Subject:
    """Build a network of `keras.applications`; its last BatchNorm-free logits vary enough to be explained."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, name)(weights=None)
    size = int(model.input_shape[1])
    signature = [tf.TensorSpec([None, size, size, 3], tf.float32)]
    forward = tf.function(lambda x: model(x, training=False), input_signature=signature)
    return Subject(name, model, lambda x: forward(x).numpy(), size)
