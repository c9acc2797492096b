"""Where a map crosses a level: smooth edges of areas, and lines along them."""

from __future__ import annotations

import numpy as np

from visioncam_core.interpolate import resize
from visioncam_core.opencv import load_opencv

FINE = 1024  # points a side at most at which lines are found; maps are smooth
ROUND = 130  # share of the longer side by which lines are smoothed: 1 in so many
SHIFT = 4  # bits of a pixel's fraction that OpenCV reads


def inside(strength: np.ndarray, level: float) -> np.ndarray:
    """Return how much of each pixel lies where the strength reaches a level, (H, W) float32 in [0, 1].

    All or nothing but beside the edge, where the slope tells how far a pixel is from it.
    """
    cv2 = load_opencv()
    reached = (strength >= level).astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    ys, xs = np.nonzero(cv2.dilate(reached, square) != cv2.erode(reached, square))
    result = reached.astype(np.float32)
    if min(strength.shape) < 3 or not len(ys):
        return result
    y, x = np.clip(ys, 1, strength.shape[0] - 2), np.clip(xs, 1, strength.shape[1] - 2)
    slope = np.hypot(strength[y + 1, x] - strength[y - 1, x], strength[y, x + 1] - strength[y, x - 1]) / 2
    far = (strength[ys, xs] - np.float32(level)) / np.maximum(slope, np.float32(1e-6))
    result[ys, xs] = np.clip(0.5 + far, 0, 1)
    return result


def lines(strength: np.ndarray, level: float) -> list[np.ndarray]:
    """Return the lines where a map crosses a level, each (n, 2) float64 of (x, y), pixel centres whole.

    The map is smoothed a little first, so that lines run round where the layer's grid has corners.

    Args:
        strength: (H, W) ndarray.
        level: what counts as crossing.
    """
    from contourpy import contour_generator

    height, width = strength.shape
    if height < 2 or width < 2 or not np.isfinite(level):
        return []
    factor = max(max(height, width) / FINE, 1.0)
    small = strength
    if factor > 1:
        small = resize(strength, (max(round(height / factor), 2), max(round(width / factor), 2)))
    sigma = max(small.shape) / ROUND
    small = load_opencv().GaussianBlur(small, (0, 0), sigma) if sigma > 0.3 else small
    y_factor, x_factor = height / small.shape[0], width / small.shape[1]
    found: list[np.ndarray] = []
    for line in contour_generator(z=small).lines(level):
        points = np.asarray(line)
        found.append((points + 0.5) * (x_factor, y_factor) - 0.5)
    return found


def stroke(shape: tuple[int, int], paths: list[np.ndarray], thickness: int) -> np.ndarray:
    """Return the coverage of lines drawn smoothly, (H, W) float32 in [0, 1]."""
    cv2 = load_opencv()
    canvas = np.zeros(shape, np.uint8)
    fixed = [np.rint(path * 2**SHIFT).astype(np.int32) for path in paths]
    cv2.polylines(canvas, fixed, False, 255, thickness, cv2.LINE_AA, SHIFT)
    return canvas.astype(np.float32) / 255
