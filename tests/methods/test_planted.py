"""A blob planted where every method must find it, on pictures of any shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import visioncam
from visioncam_engines.tensorflow.testing import keras_models as models

ALL = [spec.name for spec in visioncam.methods() if spec.in_all]


@pytest.fixture(scope="module")
def planted() -> tuple[list[tuple[int, int]], list[Any]]:
    """Return the cells of 20 bright blobs, each with a dark one elsewhere, and their comparisons."""
    rng = np.random.default_rng(0)
    places, x = [], np.zeros((20, 24, 40, 1), np.float32)
    for i in range(20):
        (r, c), (s, d) = (rng.integers(0, [24, 40]) for _ in range(2))
        while abs(r // 4 - s // 4) < 3 and abs(c // 4 - d // 4) < 3:
            s, d = rng.integers(0, [24, 40])
        x[i, max(s - 2, 0) : s + 2, max(d - 2, 0) : d + 2] = -0.6
        x[i, max(r - 2, 0) : r + 2, max(c - 2, 0) : c + 2] = 1.0
        places.append((int(r), int(c)))
    rows = visioncam.compare(models.planted_blob((24, 40)), x, layer="features", target=0)
    return places, rows


@pytest.mark.parametrize("method", ALL)
def test_a_planted_blob_is_found_within_a_cell(planted: Any, method: str) -> None:
    for (r, c), row in zip(*planted, strict=True):
        heat = row[method].heatmap
        assert heat.shape == (24, 40)
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        assert abs(y - r) <= 4, (method, (r, c), (y, x))
        assert abs(x - c) <= 4, (method, (r, c), (y, x))


@pytest.mark.parametrize(
    ("size", "cell", "blob"),
    [((20, 30), (2, 3), (3, 22)), ((96, 160), (8, 8), (80, 20)), ((1, 64), (1, 4), (0, 50))],
)
def test_pictures_that_are_not_square(size: Any, cell: Any, blob: tuple[int, int]) -> None:
    x = np.zeros((*size, 1), np.float32)
    r, c = blob
    x[r : r + cell[0], c : c + cell[1]] = 1.0
    x[size[0] - 1 - r, size[1] - 1 - c] = -0.5
    for one in visioncam.compare(models.planted_blob(size, cell=cell), x, layer="features", target=0):
        assert one.raw.shape == tuple(n // k for n, k in zip(size, cell, strict=True))
        y, z = np.unravel_index(one.heatmap.argmax(), one.heatmap.shape)
        assert abs(y - r) <= cell[0], one.method
        assert abs(z - c) <= cell[1] + 1, one.method
