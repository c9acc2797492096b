"""A Keras model and its port to PyTorch, asked about the same pictures in one call."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import visioncam


def test_a_port_to_pytorch_answers_alike_and_moves_nothing(rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input((32, 32, 3)),
        keras.layers.Conv2D(6, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2D(8, 3, padding="same", activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(4, activation="softmax"),
    ]
    ours = keras.Sequential(layers)
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(3, 6, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(6, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(8, 4),
        torch.nn.Softmax(-1),
    ).eval()
    weights = [keras.ops.convert_to_numpy(one) for one in ours.weights]
    with torch.no_grad():
        for mine, weight in zip(theirs.parameters(), weights, strict=True):
            mine.copy_(torch.tensor(weight.transpose(3, 2, 0, 1) if weight.ndim == 4 else weight.T))
    photos = [rng.integers(0, 255, (32, 32, 3), dtype=np.uint8) for _ in range(4)]
    found = visioncam.diff(ours, theirs, photos, preprocess="unit")
    assert found.overall.changed.value == 0
    assert found.overall.moved.value < 1e-4
    assert found.overall.correlation.value > 0.999
    assert {"keras", "torch"} <= set(found.provenance)
    wide = visioncam.diff(ours, theirs, np.zeros((32, 40, 3), np.uint8), preprocess="unit")
    assert "the new model, size: it sees 32×40 pixels, the old one 32×32 (1 of 1 pictures)" in str(wide)
    order = [2, 0, 3, 1]
    with torch.no_grad():
        for mine in (theirs[7].weight, theirs[7].bias):
            mine.copy_(mine[order].clone())
    names = list("abcd")
    turned = visioncam.diff(
        ours, theirs, photos, preprocess="unit", class_names=names, new_class_names=[names[i] for i in order]
    )
    assert turned.overall.changed.value == 0
    assert turned.overall.moved.value < 1e-4
