"""What is known about the embedded model in every framework: its class names, preprocessing and geometry."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np

from visioncam_core.engine.model_card import ModelCard
from visioncam_core.errors import ModelError
from visioncam_core.images.geometry import CenterCrop
from visioncam_engines.demo import weights

TITLE = "EfficientNet-Lite0 (ImageNet-1k)"


def card() -> ModelCard:
    """Return the embedded model's card."""
    return ModelCard(tuple(class_names()), preprocess, CenterCrop(224 / 256, "bicubic"), TITLE)


def class_names() -> list[str]:
    """Return the 1,000 class names of ImageNet-1k by index, such as "tabby, tabby cat" at 281."""
    names: list[str] = json.loads(
        files("visioncam_engines.demo").joinpath("imagenet_classes.json").read_text("utf-8")
    )
    return names


def preprocess(pixels: np.ndarray) -> np.ndarray:
    """Return what the network was trained on: RGB values 0 to 255 as `(x - 127) / 128`, float32."""
    return (np.asarray(pixels, np.float32) - 127.0) / 128.0


def digest() -> str:
    """Return the SHA-256 of the weights, "" where they are not installed."""
    try:
        weights.weights_file()
    except ModelError:
        return ""
    return weights.SHA256
