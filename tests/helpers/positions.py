"""Where a layer's positions look, measured by the model's own gradient: what maps must be drawn by."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from visioncam_core.engine.layer_table import LayerRow, LayerTable
from visioncam_engines.tensorflow.run.passes import to_grid


def corners(grid: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return positions near the corners, and one inside: at a quarter of each axis and at three quarters."""
    sides = [sorted({n // 4, n - 1 - n // 4}) for n in grid]
    return [tuple(int(n) for n in at) for at in np.stack(np.meshgrid(*sides), -1).reshape(-1, len(grid))]


def looks_at(values: Any, row: LayerRow, shape: tuple[int, ...], channels_first: bool = False) -> np.ndarray:
    """Return for each of `corners` the centre of its gradient's energy in a noise picture, in pixels.

    Args:
        values: picture -> the layer's output, of a model built apart from visioncam's trace.
        row: its row of the layer table.
        shape: of the picture.
        channels_first: whether the picture is.
    """
    assert row.layout is not None
    draw = np.random.default_rng(0)
    picture = tf.constant(draw.uniform(-1, 1, (1, *shape)), tf.float32)
    mix = tf.constant(draw.normal(size=row.layout.channels), tf.float32)
    found = []
    for at in corners(row.grid):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            score = tf.reduce_sum(tf.cast(to_grid(values(picture), row.layout), tf.float32)[(0, *at)] * mix)
        energy = np.square(tape.gradient(score, picture).numpy()[0].astype(np.float64))
        energy = energy.sum(axis=0 if channels_first else -1)
        lines = [energy.sum(axis=tuple({*range(energy.ndim)} - {axis})) for axis in range(energy.ndim)]
        found.append([float((line * np.arange(len(line))).sum() / line.sum()) for line in lines])
    return np.array(found)


def with_equal_taps(model: Any) -> Any:
    """Return the model with all weights of a tensor alike, so that kernels look at their middle exactly."""
    model.set_weights([np.full(weight.shape, 1 / max(weight.size, 1)) for weight in model.get_weights()])
    return model


def drawn_at(table: LayerTable, row: LayerRow) -> np.ndarray:
    """Return for each of `corners` the pixel at which a map of the layer draws it, by geometry alone."""
    pixels = table.placement(row, "receptive").pixels(row.grid, table.image_shape)
    return np.array([[line[n] for line, n in zip(pixels, at, strict=True)] for at in corners(row.grid)])
