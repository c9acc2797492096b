"""Where a map crosses a level: smooth edges of areas, and lines along them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visioncam_core.opencv import load_opencv

FINE = 1024  # points a side at most at which lines are found; maps are smooth
ROUND = 130  # share of the longer side by which lines are smoothed: 1 in so many
LINE_AA = 16  # OpenCV's smooth lines
SHIFT = 4  # bits of a pixel's fraction that OpenCV reads


def inside(strength: np.ndarray, level: float) -> np.ndarray:
    """Return how much of each pixel lies where the strength reaches a level, (H, W) float32 in [0, 1].

    All or nothing except at the edge, where the slope tells how far a pixel is from it.
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


def lines(strength: np.ndarray, levels: Sequence[float]) -> list[list[np.ndarray]]:
    """Return the lines where a map crosses each level, (n, 2) float64 of (x, y), pixel centres whole.

    The map is smoothed a little first, so that lines run round where the layer's grid has corners.
    """
    from contourpy import contour_generator

    cv2 = load_opencv()
    height, width = strength.shape
    if height < 2 or width < 2:
        return [[] for _ in levels]
    factor = max(max(height, width) / FINE, 1.0)
    rows, columns = max(round(height / factor), 2), max(round(width / factor), 2)
    small = strength
    if factor > 1:
        small = cv2.resize(strength, (columns, rows), interpolation=cv2.INTER_AREA)
    sigma = max(rows, columns) / ROUND
    small = cv2.GaussianBlur(small, (0, 0), sigma) if sigma > 0.3 else small
    found = contour_generator(z=small)
    scale = width / columns, height / rows
    return [
        [(np.asarray(line) + 0.5) * scale - 0.5 for line in found.lines(level)] if np.isfinite(level) else []
        for level in levels
    ]


def stroke(
    picture: np.ndarray, paths: list[np.ndarray], thickness: int, colour: tuple[int, int, int], opacity: float
) -> None:
    """Draw lines, as `lines` returns them, onto a picture, in place, with smooth edges."""
    if not paths:
        return
    canvas = np.zeros(picture.shape[:2], np.uint8)
    fixed = [np.rint(path * 2**SHIFT).astype(np.int32) for path in paths]
    load_opencv().polylines(canvas, fixed, False, 255, thickness, LINE_AA, SHIFT)
    inked = np.nonzero(canvas)
    share = canvas[inked][:, None] * np.float32(opacity / 255)
    below = picture[inked].astype(np.float32)
    picture[inked] = np.rint(below + share * (np.asarray(colour, np.float32) - below))
