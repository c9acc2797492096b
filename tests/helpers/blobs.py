"""Pictures with a bright blob each, for the planted model."""

from __future__ import annotations

import numpy as np


def blobs(count: int = 8) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Return pictures with a bright blob each, and its box."""
    rng = np.random.default_rng(1)
    images, boxes = np.zeros((count, 24, 40, 1), np.float32), []
    for image in images:
        top, left = 4 * int(rng.integers(0, 5)), 4 * int(rng.integers(0, 9))
        image[top : top + 8, left : left + 8] = rng.uniform(0.15, 0.3)
        boxes.append((left, top, left + 8, top + 8))
    return images + rng.normal(0, 0.01, images.shape).astype(np.float32), boxes
