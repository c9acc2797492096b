"""Maps of a model by every method, and the plain twin of a network."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers as L  # noqa: N812  -- as everybody writes it

import visioncam
from helpers.networks.kinds import conv, gap


def maps(model: Any, image: Any, **keywords: Any) -> dict[str, np.ndarray]:
    """Return each method's raw map of the first picture for class 1, divided by its maximum."""
    comparison = visioncam.compare(model, image, target=1, **keywords)
    first = comparison[0] if isinstance(comparison, list) else comparison
    assert first.failures == {}
    assert len(first) == 9
    return {e.method: e.raw / np.abs(e.raw).max() for e in first}


def agree(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for method, values in one.items():
        np.testing.assert_allclose(values, other[method], atol=1e-5, err_msg=method)


def twin(model: Any, *, pooled: bool = False, after: Any = lambda x: x) -> Any:
    """Return the plain Keras 3 network c1, c2, dense with a model's weights.

    Args:
        model: whose weights are taken.
        pooled: whether the grid is halved after c1.
        after: what is done to the output of c2.
    """
    i = L.Input((16, 16, 3))
    kernels = [w for w in model.get_weights() if np.ndim(w) == 4]
    x: Any = i
    for number, kernel in enumerate(kernels, 3 - len(kernels)):
        x = conv(f"c{number}", kernel.shape[-1])(x)
        x = L.MaxPooling2D()(x) if pooled and number == 1 else x
    plain = keras.Model(i, L.Dense(5, activation="softmax")(gap(after(x))))
    plain.set_weights(model.get_weights())
    return plain
