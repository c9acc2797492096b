"""What is known about the embedded model in every framework: its class names, preprocessing and geometry."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np

from visioncam_core.engine.model_card import ModelCard
from visioncam_core.engine.records import Scaling
from visioncam_core.errors import ModelError
from visioncam_core.images.geometry import CenterCrop, Geometry
from visioncam_engines.demo import weights

TITLE = "EfficientNet-Lite0 (ImageNet-1k)"
SCALING = Scaling((127.0,), (128.0,), 1.0)
GEOMETRY = CenterCrop(224 / 256, "bicubic")
RECOGNISED = "recognised EfficientNet-Lite0, the embedded model"
BODY = 3_413_024
"""How many numbers the network has without its classifier: what a saved copy is known by."""
_BIAS = (0.03205391, -0.01598576, 0.00529074, 0.05812514)
"""The first of the classifier's, which training moves."""


def card() -> ModelCard:
    """Return the embedded model's card."""
    return ModelCard(tuple(class_names()), preprocess, GEOMETRY, TITLE)


def fitted(shape: tuple[int, int], size: tuple[int, int]) -> Geometry:
    """Return the geometry of a copy whose input says no size of its own."""
    return GEOMETRY(shape, (224, 224))


def names_of(bias: np.ndarray) -> tuple[str, ...] | None:
    """Return the class names of a copy of the embedded model, whose classifier ends in `bias`.

    None where it was trained further, or for other classes.
    """
    same = bias.shape == (1000,) and np.allclose(bias[: len(_BIAS)], _BIAS, atol=1e-6)
    return tuple(class_names()) if same else None


def class_names() -> list[str]:
    """Return the 1,000 class names of ImageNet-1k by index, such as "tabby, tabby cat" at 281."""
    names: list[str] = json.loads(
        files("visioncam_engines.demo").joinpath("imagenet_classes.json").read_text("utf-8")
    )
    return names


def preprocess(pixels: np.ndarray) -> np.ndarray:
    """Return what the network was trained on: RGB values 0 to 255 as `(x - 127) / 128`, float32."""
    return SCALING(pixels)


def digest() -> str:
    """Return the SHA-256 of the weights, "" where they are not installed."""
    try:
        weights.weights_file()
    except ModelError:
        return ""
    return weights.SHA256
