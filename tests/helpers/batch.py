"""Helpers for runs over many pictures: a tiny model and a folder of small pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

COUNT = 20


def make_pictures(folder: Path, count: int = COUNT, seed: int = 0) -> Path:
    """Fill a folder with small pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png", compress_level=1)
    return folder


def tiny_model() -> Any:
    """Return a network of 4 channels and 3 classes for pictures of 16 pixels; its maps are not blank."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="features")(x)
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(
        inputs, keras.layers.Dense(3, activation="softmax", name="probs")(pooled), name="tiny"
    )
    features = model.get_layer("features")
    features.set_weights([w + 0.1 for w in features.get_weights()])
    return model


def contents(folder: Path, *names: str) -> dict[str, bytes]:
    """Return the files of a run's folder: all but its manifest, or those that are named."""
    wanted = names or [path.name for path in folder.iterdir() if path.suffix in (".npz", ".png")]
    return {name: (folder / name).read_bytes() for name in sorted(wanted)}
