"""The nine classes of the paper's call style, and a model small enough to ask them all."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from visioncam.paper import PaperCAM

CLASSES = {
    "gradcam": "GradCAM",
    "gradcamplusplus": "GradCAMPlusPlus",
    "gradcamelementwise": "GradCAMElementWise",
    "hirescam": "HiResCAM",
    "respondcam": "RespondCAM",
    "scorecam": "ScoreCAM",
    "smoothgradcamplusplus": "SmoothGradCAMPlusPlus",
    "xgradcam": "XGradCAM",
    "ablationcam": "AblationCAM",
}


def paper_class(method: str) -> type[PaperCAM]:
    """Return the class of a method."""
    found: type[PaperCAM] = getattr(importlib.import_module(f"visioncam.{method}"), CLASSES[method])
    return found


@cache
def tiny_model() -> Any:
    """Return a (12, 10, 3) classifier: class 0 has evidence of both signs, class 3 none that is positive."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="early"),
            layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="late"),
            layers.GlobalAveragePooling2D(name="pool"),
            layers.Dense(4, activation="softmax", name="head"),
        ]
    )
    kernel, bias = model.get_layer("head").get_weights()
    kernel[:, 3] = -np.abs(kernel[:, 3])
    model.get_layer("head").set_weights([kernel, bias])
    return model


def pixels_of(path: Path) -> np.ndarray:
    """Return a file's pixels as float64."""
    with Image.open(path) as image:
        return np.asarray(image, np.float64)
