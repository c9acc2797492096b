"""A 1-D signal as a scene: its line over a ribbon of heat, one lane a channel."""

from __future__ import annotations

import numpy as np

from visioncam_core.opencv import load_opencv
from visioncam_core.resize import resize
from visioncam_viz.drawing.scene import Scene

WIDTH = 960
MOST = 8  # lanes
SHIFT = 4  # bits of a pixel's fraction that OpenCV reads


def signal_scene(bands: np.ndarray, heat: np.ndarray, signed: bool) -> Scene:
    """Draw a signal's channels as lines, one above the other, on a scale each.

    Of more than eight channels eight are shown, evenly spread.

    Args:
        bands: (L, C) ndarray.
        heat: (L,) float32 ndarray.
        signed: whether the heat has two signs.
    """
    cv2 = load_opencv()
    count = bands.shape[1]
    shown = np.unique(np.linspace(0, count - 1, min(count, MOST)).round().astype(int))
    lane = 240 if len(shown) == 1 else max(72, 480 // len(shown))
    shape = (lane * len(shown), WIDTH)
    ink, halo = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for row, channel in enumerate(shown):
        points = _line(bands[:, channel], lane, row * lane)
        for canvas, thickness in ((halo, 5), (ink, 2)):
            for part in points:
                cv2.polylines(canvas, [part], False, 255, thickness, cv2.LINE_AA, SHIFT)
    photo = np.full((*shape, 3), 255, np.uint8)
    ribbon = np.broadcast_to(resize(heat, (WIDTH,)), shape)
    return Scene(photo, ribbon, signed, ink.astype(np.float32) / 255, halo.astype(np.float32) / 255)


def _line(values: np.ndarray, lane: int, top: int) -> list[np.ndarray]:
    """Return the line's unbroken parts as OpenCV's fixed-point (n, 2) points; gaps where not finite."""
    length = len(values)
    numbers = np.asarray(values, np.float64)
    finite = np.isfinite(numbers)
    if not finite.any():
        return []
    low, high = numbers[finite].min(), numbers[finite].max()
    span = high / 2 - low / 2
    shares = (numbers / 2 - low / 2) / span if span > 0 else np.where(finite, 0.5, np.nan)
    margin = max(lane // 10, 6)
    x = (np.arange(length) + 0.5) * WIDTH / length
    y = top + margin + (1 - shares) * (lane - 2 * margin)
    if length > 4 * WIDTH:
        x, y = _envelope(x, y)
        finite = np.isfinite(y)
    if length == 1:
        x, y, finite = np.array([0.0, WIDTH]), np.repeat(y, 2), np.repeat(finite, 2)
    points = np.column_stack([x, y])
    breaks = np.flatnonzero(np.diff(finite.astype(int))) + 1
    parts = np.split(np.arange(len(points)), breaks)
    return [np.rint(points[part] * 2**SHIFT).astype(np.int32) for part in parts if finite[part[0]]]


def _envelope(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep each pixel column's lowest and highest point of a long signal, so that no peak is lost."""
    columns = np.minimum(x.astype(int), WIDTH - 1)
    low, high = np.full(WIDTH, np.inf), np.full(WIDTH, -np.inf)
    finite = np.isfinite(y)
    np.minimum.at(low, columns[finite], y[finite])
    np.maximum.at(high, columns[finite], y[finite])
    both = np.column_stack([low, high]).ravel()
    both[~np.isfinite(both)] = np.nan
    return np.repeat(np.arange(WIDTH) + 0.5, 2), both
