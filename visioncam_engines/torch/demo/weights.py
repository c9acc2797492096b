"""The embedded model in PyTorch: EfficientNet-Lite0 with its ImageNet weights."""

from __future__ import annotations

from torch import from_numpy

from visioncam_core.engine.model_card import set_model_card
from visioncam_engines.demo import weights
from visioncam_engines.demo.card import card
from visioncam_engines.torch.demo.network import EfficientNetLite0


def load() -> EfficientNetLite0:
    """Return the embedded model, known to VisionCam with its class names, preprocessing and geometry.

    Returns:
        A new module on every call, in evaluation mode, on the CPU: input `(N, 3, 224, 224)` float32, pixels
        as `preprocess` makes them; output `(N, 1000)` probabilities of ImageNet's classes.

    Raises:
        ModelNotFoundError: the weights' package is not installed.
        ModelError: the weights' file is damaged.
    """
    path = weights.weights_file()
    weights.check_digest(path)
    model = EfficientNetLite0()
    arrays = weights.read_weights(path)
    model.load_state_dict({name: from_numpy(array.copy()) for name, array in arrays.items()}, assign=True)
    model.requires_grad_(True).eval()
    set_model_card(model, card())
    return model
