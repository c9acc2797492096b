"""A 3-D volume as a scene: the middle slice across each axis, side by side, on one scale."""

from __future__ import annotations

import numpy as np

from visioncam_core.interpolate import resize
from visioncam_viz.display import to_rgb
from visioncam_viz.scene import Scene
from visioncam_viz.text import QUIET, draw, line_height, width_of

SIDE = 256  # pixels that the longest axis gets at least
GAP = 12
LABEL = 13


def volume_scene(bands: np.ndarray, heat: np.ndarray, signed: bool) -> Scene:
    """Show the middle slices of a volume with (depth, height, width) axes, each named under it.

    Args:
        bands: (D, H, W, C) ndarray.
        heat: (D, H, W) float32 ndarray.
        signed: whether the heat has two signs.
    """
    photo = to_rgb(bands)
    factor = max(-(-SIDE // max(heat.shape)), 1)
    slices = []
    for axis, name in enumerate(("depth", "height", "width")):
        length = heat.shape[axis]
        middle = length // 2
        plane = photo.take(middle, axis).repeat(factor, axis=0).repeat(factor, axis=1)
        map_ = resize(heat.take(middle, axis), plane.shape[:2])
        slices.append((plane, map_, f"{name} {middle + 1} of {length}"))

    below = line_height(LABEL) + 6
    height = max(plane.shape[0] for plane, _, _ in slices) + below
    cells = [max(plane.shape[1], width_of(label, LABEL)) for plane, _, label in slices]
    width = sum(cells) + GAP * 2
    page = np.ones((height, width), bool)
    canvas = np.full((height, width, 3), 255, np.uint8)
    values = np.zeros((height, width), np.float32)
    left = 0
    for (plane, map_, label), cell in zip(slices, cells, strict=True):
        h, w = map_.shape
        page[:h, left : left + w] = False
        canvas[:h, left : left + w] = plane
        values[:h, left : left + w] = map_
        draw(canvas, label, left, h + 4, LABEL, colour=QUIET)
        left += cell + GAP
    return Scene(canvas, values, signed, page=page)
