"""The embedded model: EfficientNet-Lite0 with its ImageNet weights, ready for `visioncam.explain`.

model = visioncam.demo.load()
visioncam.explain(model, "cat.jpg", method="xgradcam")
"""

from __future__ import annotations

from typing import Any

from visioncam_core.pipeline.models import open_demo
from visioncam_engines.demo.card import class_names, preprocess

__all__ = ["class_names", "load", "preprocess"]


def load(framework: str | None = None) -> Any:
    """Return the embedded model, known to VisionCam with its class names, preprocessing and geometry.

    Args:
        framework: "keras" or "torch", or another engine's name; by default Keras where TensorFlow is
            installed, else PyTorch.

    Returns:
        A new model on every call.  In Keras a functional model, input `(N, 224, 224, 3)`; in PyTorch a
        module in evaluation mode, input `(N, 3, 224, 224)`.  Float32, pixels as `preprocess` makes them;
        output `(N, 1000)` probabilities of ImageNet's classes.

    Raises:
        NameNotFoundError: there is no such engine.
        ModelNotFoundError: the weights' package is not installed.
        ModelError: the weights' file is damaged, or the engine has no embedded model.
        BackendError: the framework is not installed, or Keras is on another backend.
    """
    return open_demo(framework)
