"""Small models and a batch of pixels for the tests of preprocessing."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
from keras import layers

from visioncam_core.images.preprocessing import Preprocessing
from visioncam_core.images.preprocessing import preprocessing_for as found
from visioncam_engines.keras.hints import hints_of

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


def preprocessing_for(model: Any, setting: object = "auto") -> Preprocessing:
    """Return what `visioncam.explain(model, preprocess=setting)` does to pictures."""
    return found(None if model is None else hints_of(model), setting)
