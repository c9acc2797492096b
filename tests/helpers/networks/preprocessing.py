"""Small models and a batch of pixels for the tests of preprocessing."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import layers

SIDE = (32, 32, 3)
BATCH = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3)).astype(np.float32)


@cache
def mobilenet() -> Any:
    """Return a small recognisable backbone, the same one each time."""
    return keras.applications.MobileNetV2(
        weights=None, include_top=False, alpha=0.35, input_shape=SIDE, name="mine"
    )


def head(tensor: Any, library: Any = keras) -> Any:
    """Return the output of a small classification head."""
    return library.layers.Dense(2)(library.layers.GlobalAveragePooling2D()(tensor))


def small(*front: Any) -> Any:
    """Return a small network with these layers in front."""
    return keras.Sequential(
        [keras.Input(SIDE), *front, layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(2)]
    )
