"""A picture of whole numbers has no gradient: methods that need it say so, others work beside them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from visioncam_core.errors import GradientError

X = np.random.default_rng(0).integers(0, 255, (2, 8, 10, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> Any:
    keras.utils.set_random_seed(1)
    given = keras.Input((8, 10, 3), dtype="uint8")
    x = L.Conv2D(4, 3, activation="relu", name="features")(L.Rescaling(1 / 255)(given))
    return keras.Model(given, L.Dense(3)(L.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("method", ["saliency", "gradientinput", "smoothgrad", "expectedgradients"])
def test_a_picture_of_whole_numbers_has_none(method: str, model: Any) -> None:
    words = (
        r"^the score has no gradient with respect to the picture, as the model receives it: it takes uint8, "
        r"whole numbers, which have none; choose a method that looks at a layer, such as gradcam"
    )
    with pytest.raises(GradientError, match=words):
        visioncam.explain(model, X[0], method, target=1)


def test_methods_of_a_layer_work(model: Any) -> None:
    found = visioncam.explain(model, X, "layerintegratedgradients", target=1, layer="features")
    for one in found:
        assert one.account.share < 0.01
        assert one.account.baseline == "black"
