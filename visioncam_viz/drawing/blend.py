"""The map's colours blended over the photo, opaque where the evidence is strong."""

from __future__ import annotations

import numpy as np

from visioncam_viz.drawing.colour import colourise
from visioncam_viz.drawing.scene import Scene

FULL = np.float32(0.5)  # share of the strongest evidence from which on a colour is at its full opacity
BAND = 40_000  # pixels blended at a time: they fit the processor's cache


def rise(heat: np.ndarray) -> np.ndarray:
    """Return how far each value counts as strong: from 0 smoothly to 1 at half of the strongest, unsigned."""
    share = np.minimum(np.abs(heat) / FULL, np.float32(1))
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
        share = rise(heat) if by_value else np.ones_like(heat)
        opacity = np.where(np.abs(heat) < threshold, np.float32(0), share * np.float32(alpha))
        colours = colourise(heat, table, signed=scene.signed)
        picture[part] = np.rint(photo + opacity[..., None] * (colours - photo))
    return picture


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
