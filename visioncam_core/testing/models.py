"""Small Keras models whose maps can be worked out by hand; they live with the engine that runs them."""

from importlib import import_module
from typing import Any

_HOME = "visioncam_engines.tensorflow.testing.keras_models"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(import_module(_HOME), name)
