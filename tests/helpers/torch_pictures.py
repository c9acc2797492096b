"""What a PyTorch model is shown of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_core.images.geometry import fit

torch = pytest.importorskip("torch")
T = pytest.importorskip("torchvision").transforms
nn = torch.nn

NORMALISE = T.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])


class Seen(nn.Module):
    """Remembers the picture that it was last shown, as an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.head(torch.relu(self.conv(x)).mean((2, 3))), x


def shown(model: Any, image: Any, **keywords: Any) -> np.ndarray:
    """Return the picture (h, w, C) that a model is given."""
    explainer = visioncam.explainer(model, "gradcam", **keywords)
    (sample,), _ = explainer.reader.read(image)
    return np.moveaxis(sample.flat[0][0], 0, -1)


def made_by(steps: Any, pixels: np.ndarray) -> np.ndarray:
    """Return what steps make of a picture."""
    if steps.whole is not None:
        return np.asarray(steps.whole(pixels))
    fitted = pixels if steps.geometry is None else fit(pixels, (1, 1), steps.geometry)[0]
    return np.asarray(steps.preprocess(fitted[None])[0])


def tensor(values: Any) -> np.ndarray:
    return np.moveaxis(np.asarray(values), 0, -1)
