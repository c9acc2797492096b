"""The map's colours blended over the photo, as opaque as the evidence is strong, and a frame."""

from __future__ import annotations

import numpy as np

from visioncam_viz.drawing.colour import colourise
from visioncam_viz.drawing.scene import Scene

FRAME = 400  # pixels of a picture's shorter side for each pixel of the frame's width
BAND = 40_000  # pixels blended at a time: they fit the processor's cache


def rise(heat: np.ndarray, full: float = 0.5) -> np.ndarray:
    """Return how opaque each value is: from 0 smoothly to 1 at `full` of the strongest, unsigned."""
    share = np.minimum(np.abs(heat) / np.float32(full), np.float32(1))
    return share * share * (3 - 2 * share)


def blend(
    scene: Scene, table: np.ndarray, alpha: float, *, threshold: float = 0.0, by_value: bool = True
) -> np.ndarray:
    """Return photo + opacity (colour - photo), (H, W, 3) uint8, some rows at a time.

    Args:
        scene: photo and heat.
        table: (256, 3) uint8 colours.
        alpha: opacity of the strongest evidence, 0 to 1.
        threshold: strength under which the photo stays as it is.
        by_value: opacity grows with the evidence; else it is `alpha` everywhere.
    """
    picture = np.empty_like(scene.photo)
    for part in rows(scene.heat.shape):
        photo, heat = scene.photo[part].astype(np.float32), scene.heat[part]
        share = rise(heat, scene.full) if by_value else np.ones_like(heat)
        opacity = np.where(np.abs(heat) < threshold, np.float32(0), share * np.float32(alpha))
        colours = colourise(heat, table, signed=scene.signed)
        picture[part] = np.rint(photo + opacity[..., None] * (colours - photo))
    if alpha:
        frame_seen(picture, scene.seen)
    return picture


def frame_seen(picture: np.ndarray, seen: tuple[float, float, float, float]) -> None:
    """Draw a thin frame, in place, around the part of a picture that the model saw; none around all of it."""
    height, width = picture.shape[:2]
    top, left, bottom, right = (
        round(share * side) for share, side in zip(seen, 2 * (height, width), strict=True)
    )
    if min(height - bottom + top, 1) + min(width - right + left, 1) == 0:
        return
    line = max(round(min(height, width) / FRAME), 1)
    for wide, ink, share in ((2 * line, 0, 0.25), (line, 255, 0.6)):
        around = np.zeros((height, width), bool)
        around[top:bottom, left:right] = True
        around[top + wide : bottom - wide, left + wide : right - wide] = False
        picture[around] = np.rint(picture[around] * (1 - share) + ink * share)


def mix(below: np.ndarray, above: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return two pictures mixed, (H, W, 3) uint8, some rows at a time.

    `above` may be one colour; `share`, (H, W) float32 from 0 to 1, is how much of it each pixel gets.
    """
    above = np.broadcast_to(above, below.shape)
    picture = np.empty_like(below)
    for part in rows(share.shape):
        base = below[part].astype(np.float32)
        picture[part] = np.rint(base + share[part][..., None] * (above[part] - base))
    return picture


def rows(shape: tuple[int, ...]) -> list[slice]:
    """Return slices of rows, about `BAND` pixels each, that cover a picture."""
    height, width = shape[:2]
    step = max(BAND // width, 1)
    return [slice(top, top + step) for top in range(0, height, step)]
