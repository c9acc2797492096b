"""The explanation laid out flat: a photo and the heat on each of its pixels.

Pictures are themselves; a signal becomes a line over its heat (`signal.py`); a
volume becomes its three middle slices (`volume.py`).  Renderers see only scenes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.interpolate import resize
from visioncam_viz.display import bands_last, to_rgb
from visioncam_viz.text import INK, WHITE, lay

if TYPE_CHECKING:
    from visioncam_core.explanation import Explanation

DARK = 110  # mean of 0 to 255 below which a picture is dark
THINNEST = 12  # pixels; a picture of fewer rows or columns is repeated where there is text beside it


@attrs.frozen(eq=False)
class Scene:
    """What a renderer colours.

    Attributes:
        photo: (H, W, 3) uint8 ndarray, RGB.
        heat: (H, W) float32 ndarray in [0, 1], or in [-1, 1] when `signed`.
        signed: whether the heat has two signs.
        ink: (H, W) float32 coverage of lines drawn on top of the colours, or None.
        halo: (H, W) float32 coverage of the contrasting edge under the ink, or None.
        page: (H, W) bool ndarray, true where the photo is page that stays as it is, or None.
    """

    photo: np.ndarray
    heat: np.ndarray
    signed: bool = False
    ink: np.ndarray | None = None
    halo: np.ndarray | None = None
    page: np.ndarray | None = None

    @property
    def blank(self) -> bool:
        """Whether the heat is zero everywhere."""
        return not self.heat.any()

    def finish(self, picture: np.ndarray) -> np.ndarray:
        """Put page and ink back on a coloured picture, in place, and return it; the ink is white on dark."""
        if self.page is not None:
            picture[self.page] = self.photo[self.page]
        line, edge = (WHITE, INK) if picture.mean() < DARK else (INK, WHITE)
        if self.halo is not None:
            lay(picture, self.halo, 0, 0, edge)
        if self.ink is not None:
            lay(picture, self.ink, 0, 0, line)
        return picture


def scene_of(explanation: Explanation) -> Scene:
    """Lay an explanation out flat.

    Args:
        explanation: its `picture` (*grid[, C]) and `heatmap` (*grid) with one, two or three axes.

    Raises:
        ImageError: the heat map is empty or of another rank, or picture and map differ in shape.
    """
    heat = np.asarray(explanation.heatmap, np.float32)
    if heat.size == 0 or heat.ndim not in (1, 2, 3):
        raise ImageError(
            f"A heat map to show needs one, two or three axes and at least one value; this one has shape "
            f"{heat.shape}. Explain a layer that has positions."
        )
    heat = np.nan_to_num(heat, nan=0.0, posinf=0.0, neginf=0.0)
    signed = explanation.evidence == "signed"
    bands = bands_last(np.asarray(explanation.picture), heat.shape)
    if heat.ndim == 1:
        from visioncam_viz.signal import signal_scene

        return signal_scene(bands, heat, signed)
    if heat.ndim == 3:
        from visioncam_viz.volume import volume_scene

        return volume_scene(bands, heat, signed)
    return Scene(to_rgb(bands), heat, signed)


def enlarge(scene: Scene, at_least: int, thinnest: int = 1) -> Scene:
    """Enlarge a small scene in whole steps, so that a reader sees its pixels and any text beside it fits.

    Each pixel of the photo becomes a block; the heat is interpolated.  A scene whose longer
    side has `at_least` pixels keeps its size; a side shorter than `thinnest` is repeated by itself.
    """
    height, width = scene.heat.shape
    factor = max(-(-at_least // max(height, width)), 1)
    rows, columns = (factor * max(-(-thinnest // (factor * side)), 1) for side in (height, width))
    if rows == columns == 1:
        return scene

    def blocks(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values.repeat(rows, axis=0).repeat(columns, axis=1)

    return Scene(
        scene.photo.repeat(rows, axis=0).repeat(columns, axis=1),
        resize(scene.heat, (height * rows, width * columns)),
        scene.signed,
        blocks(scene.ink),
        blocks(scene.halo),
        blocks(scene.page),
    )
