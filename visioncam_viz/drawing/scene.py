"""A flat explanation ready to be coloured: a photo and the heat on each of its pixels.

Pictures are themselves; a signal becomes a line over its heat (`signal.py`).
Volumes are cut into flat explanations first (`volume.py`).  Renderers see only scenes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.opencv import load_opencv
from visioncam_core.resize import resize
from visioncam_core.results.areas import level
from visioncam_core.results.heat import smooth
from visioncam_viz.drawing.text import INK, WHITE

if TYPE_CHECKING:
    from visioncam_core.results.data import ExplanationData
    from visioncam_core.results.explanation import Explanation

NEAR = 12  # pixels around a line that decide whether it is black or white
DARK = 110  # mean of 0 to 255 below which a picture is dark
WHOLE = (0.0, 0.0, 1.0, 1.0)
Bands = tuple[int, int, int] | None


@attrs.frozen(eq=False)
class Scene:
    """What a renderer colours.

    Attributes:
        photo: (H, W, 3) uint8 ndarray, RGB.
        heat: (H, W) float32 ndarray in [0, 1], or in [-1, 1] when `signed`.
        signed: whether the heat has two signs.
        ink: (H, W) float32 coverage of lines drawn on top of the colours, or None.
        halo: (H, W) float32 coverage of the contrasting edge under the ink, or None.
        seen: (top, left, bottom, right) of what the model saw, in shares of height and width.
        full: share of the strongest evidence from which on a colour is at its full opacity.
    """

    photo: np.ndarray
    heat: np.ndarray
    signed: bool = False
    ink: np.ndarray | None = None
    halo: np.ndarray | None = None
    seen: tuple[float, float, float, float] = WHOLE
    full: float = 0.5

    def finish(self, picture: np.ndarray) -> np.ndarray:
        """Put the ink back on a coloured picture, in place, and return it; white where it is dark."""
        if self.ink is not None and self.halo is not None:
            # Of the surroundings, so that a line keeps its colour where it crosses another.
            around = load_opencv().GaussianBlur(picture, (0, 0), NEAR)
            dark = around.mean(axis=-1, keepdims=True) < DARK
            line, edge = np.where(dark, WHITE, INK), np.where(dark, INK, WHITE)
            for coverage, colour in ((self.halo, edge), (self.ink, line)):
                picture[:] = np.rint(picture + coverage[..., None] * (colour - picture.astype(np.float32)))
        return picture


def heat_of(explanation: ExplanationData) -> np.ndarray:
    """Return the heat map, float32, what is not finite as zero.

    Raises:
        ImageError: it is empty, or has no or more than three axes.
    """
    heat = np.asarray(explanation.heatmap, np.float32)
    if heat.size == 0 or heat.ndim not in (1, 2, 3):
        raise ImageError(
            f"A heat map to show needs one, two or three axes and at least one value; this one has shape "
            f"{heat.shape}. Explain a layer that has positions."
        )
    return np.nan_to_num(heat, nan=0.0, posinf=0.0, neginf=0.0)


def smoothed(explanation: Explanation) -> Explanation:
    """Return an explanation whose map has no creases between the layer's positions."""
    return attrs.evolve(explanation, heatmap=smooth(explanation))


def seen_of(explanation: ExplanationData) -> tuple[float, float, float, float]:
    """Return (top, left, bottom, right) of what the model saw of a picture, in shares of height and width."""
    place = (explanation.whole or explanation).provenance.get("place")
    top, left, bottom, right = place["seen"] if isinstance(place, dict) else WHOLE
    return top, left, bottom, right


def is_blank(explanation: Explanation) -> bool:
    """Return whether a map is zero everywhere; of a slice, the map of the whole."""
    return not heat_of(explanation.whole or explanation).any()


def level_of(explanation: Explanation, threshold: float | str) -> float:
    """Return the strength from which on a pixel counts, as `areas.level`; of a slice, that of the whole."""
    return level((explanation.whole or explanation).heatmap, threshold)


def steps(shape: tuple[int, ...], at_least: int, thinnest: int = 1) -> tuple[int, int]:
    """Return how often to repeat rows and columns, so that the longer side has `at_least` pixels.

    A side that would still be shorter than `thinnest` is repeated by itself.
    """
    factor = max(-(-at_least // max(shape[:2])), 1)
    rows, columns = (factor * max(-(-thinnest // (factor * side)), 1) for side in shape[:2])
    return rows, columns


def enlarge(scene: Scene, rows: int, columns: int) -> Scene:
    """Enlarge a scene in whole steps: each pixel of the photo becomes a block; the heat is interpolated."""
    if rows == columns == 1:
        return scene
    height, width = scene.heat.shape

    def blocks(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values.repeat(rows, axis=0).repeat(columns, axis=1)

    return Scene(
        scene.photo.repeat(rows, axis=0).repeat(columns, axis=1),
        resize(scene.heat, (height * rows, width * columns)),
        scene.signed,
        blocks(scene.ink),
        blocks(scene.halo),
        scene.seen,
        scene.full,
    )
