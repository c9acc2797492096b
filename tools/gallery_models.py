"""Three small models with weights set by hand, and made-up inputs for them, for pictures that no photo gives.

Each is a matched filter, a ReLU, a mean over all places and a softmax: what it looks for is
known, so that a reader can tell whether its maps are right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SEED = 7
SHARP = 400  # how sure the classes are


def volume() -> np.ndarray:
    """Return an ellipsoid of noise with a bright ball and a dark one in it, (32, 64, 48) float32."""
    rng = np.random.default_rng(SEED)
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 64, 48)), indexing="ij")
    values = 0.12 * rng.random((32, 64, 48))
    values += 0.35 * (x**2 + y**2 + z**2 < 0.85)
    values += 0.45 * ((x - 0.25) ** 2 + 0.9 * (y + 0.3) ** 2 + 0.9 * (z - 0.15) ** 2 < 0.035)
    values -= 0.25 * ((x + 0.3) ** 2 + 0.9 * (y - 0.35) ** 2 + 0.9 * (z + 0.1) ** 2 < 0.05)
    return values.astype(np.float32)


def nodule_finder() -> Any:
    """Return a 3-D model with the classes "nodule" and "cyst": bright and dark balls."""
    ball = _bell((7, 7, 7), 1.3)
    ball = ball / ball.sum() - _ones((7, 7, 7))
    kernel = np.stack([ball, -ball], axis=-1)[:, :, :, None, :]
    return _model((None, None, None, 1), kernel, (-0.08, -0.08), (1, 1, 1), before=2)


def heartbeats() -> np.ndarray:
    """Return ten seconds of a made-up electrocardiogram with one wide beat, (2500,) float32."""
    rng = np.random.default_rng(SEED)
    t = np.arange(2500) / 250
    signal = 0.02 * rng.normal(size=t.size) + 0.05 * np.sin(2 * np.pi * 0.3 * t)
    for number, beat in enumerate(np.arange(0.5, 10, 0.9)):
        if number == 6:
            signal += _pulse(t, beat - 0.12, 0.055, 1.5) - _pulse(t, beat + 0.05, 0.07, 0.7)
            continue
        signal += _pulse(t, beat - 0.18, 0.025, 0.13) + _pulse(t, beat, 0.012, 1.0)
        signal -= _pulse(t, beat + 0.035, 0.012, 0.25)
        signal += _pulse(t, beat + 0.25, 0.045, 0.28)
    return signal.astype(np.float32)


def beat_sorter() -> Any:
    """Return a 1-D model with the classes "narrow beat" and "wide beat"."""
    t = (np.arange(101) - 50) / 250
    narrow, wide = _pulse(t, 0, 0.012, 1.0), _pulse(t, 0, 0.055, 1.0)
    narrow, wide = (pulse / pulse.sum() - _ones(pulse.shape) for pulse in (narrow, wide))
    kernel = np.stack([narrow - wide, 8 * wide], axis=-1)[:, None, :]
    return _model((None, 1), kernel, (-0.47, -2.0), (25,))


def clip() -> np.ndarray:
    """Return a video of a bluish ball that flies past a reddish one at rest, (16, 48, 96, 3) float32."""
    rng = np.random.default_rng(SEED)
    y, x = np.mgrid[:48, :96]
    frames = 0.12 + 0.05 * rng.random((1, 48, 96, 3)).repeat(16, axis=0)
    for t in range(16):
        for (row, column), colour in (((33, 14), (0.85, 0.66, 0.6)), (_thrown(t), (0.6, 0.72, 0.85))):
            inside = (y - row) ** 2 + (x - column) ** 2 < 20
            frames[t][inside] = colour
    return frames.astype(np.float32)


def motion_finder() -> Any:
    """Return a video model with the classes "moving" and "at rest"."""
    disc = _bell((11, 11), 2.4)
    disc = (disc / disc.sum() - _ones((11, 11)))[None, :, :, None] * np.ones(3)
    unlike_its_neighbours = disc * np.reshape([-0.5, 1, -0.5], (3, 1, 1, 1))
    kernel = np.stack([unlike_its_neighbours, disc * np.full((3, 1, 1, 1), 1 / 3)], axis=-1)
    return _model((None, None, None, 3), kernel, (-0.18, -0.2), (1, 4, 4))


def _model(
    shape: tuple[int | None, ...],
    kernel: np.ndarray,
    bias: tuple[float, float],
    step: tuple[int, ...],
    before: int = 1,
) -> Any:
    """Return pooling, filters with a ReLU, their mean around each `step`-th place, overall mean, classes."""
    import keras

    rank = kernel.ndim - 2
    convolution = getattr(keras.layers, f"Conv{rank}D")
    around = tuple(2 * length - 1 for length in step)
    filters = convolution(2, kernel.shape[:rank], padding="same", activation="relu", name="filters")
    features = convolution(2, around, strides=step, padding="same", use_bias=False, name="features")
    classes = keras.layers.Dense(2, activation="softmax", name="classes")
    inputs = keras.Input(shape)
    pooled = getattr(keras.layers, f"AveragePooling{rank}D")(before)(inputs) if before > 1 else inputs
    mean = getattr(keras.layers, f"GlobalAveragePooling{rank}D")()(features(filters(pooled)))
    model = keras.Model(inputs, classes(mean))
    filters.set_weights([kernel.astype(np.float32), np.asarray(bias, np.float32)])
    features.set_weights(
        [np.full((*around, 1, 1), 1 / np.prod(around), np.float32) * np.eye(2, dtype=np.float32)]
    )
    classes.set_weights([SHARP * np.array([[1, -0.5], [-0.5, 1]], np.float32), np.zeros(2, np.float32)])
    return model


def _thrown(t: int) -> tuple[float, float]:
    return 42 - 4.2 * t + 0.27 * t**2, 4 + 5.8 * t


def _pulse(t: np.ndarray, at: float, width: float, height: float) -> np.ndarray:
    return height * np.exp(-(((t - at) / width) ** 2) / 2)


def _bell(shape: tuple[int, ...], width: float) -> np.ndarray:
    axes = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    return np.exp(-sum(axis**2 for axis in axes) / (2 * width**2))


def _ones(shape: tuple[int, ...]) -> np.ndarray:
    """Return ones that sum to 1, to take a kernel's mean away."""
    return np.full(shape, 1 / np.prod(shape))
