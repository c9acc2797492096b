"""Outlines of the areas above a threshold, as polygons along the edges of pixels.

A polygon encloses exactly the pixels of its area: outer ring less holes is `area` to the pixel.
"""

from __future__ import annotations

import attrs
import numpy as np

from visioncam_core.errors import OptionError
from visioncam_core.images.opencv import load_opencv
from visioncam_core.results.areas import SHARE, Part, parts
from visioncam_core.text import brief

Rings = dict[int, tuple[np.ndarray, list[np.ndarray]]]
"""Label -> the outer ring of its area, and the rings around its holes."""

LARGEST = 1e6
"""Pixels that an outline may be simplified by."""


@attrs.frozen(eq=False)
class Contour:
    """The outline of one connected area.

    Attributes:
        points: (n, 2) float32 ndarray of (x, y) in pixel edges, from the upper left corner of the picture;
            a ring that closes by itself, clockwise on the screen.
        holes: rings of the same kind around what is not part of the area.
        area: pixels in it.
        score: the share of all the map's evidence that lies in it; below 0 for evidence against.
    """

    points: np.ndarray = attrs.field(repr=lambda ring: f"<{len(ring)} points>")
    holes: tuple[np.ndarray, ...] = attrs.field(repr=lambda holes: f"<{len(holes)} holes>")
    area: int
    score: float


def contours(
    heat: np.ndarray,
    threshold: float | str = SHARE,
    *,
    min_area: int = 1,
    simplify: float = 0.0,
) -> tuple[Contour, ...]:
    """Return the outline of each connected area above the threshold, most evidence first.

    Args:
        heat: (H, W) ndarray, in [0, 1] or signed.
        threshold: as in `areas.level`.
        min_area: areas of fewer pixels are left out.
        simplify: pixels by which a ring may leave the true outline, to need fewer points; 0 keeps it exact.

    Raises:
        ImageError: the map does not have two axes.
        OptionError: an option out of its range.
    """
    number = isinstance(simplify, int | float | np.integer | np.floating) and not isinstance(simplify, bool)
    if not number or not 0 <= simplify <= LARGEST:
        raise OptionError(
            f"simplify must be a number of pixels between 0 and {LARGEST:g}; received {brief(simplify, 60)}"
        )
    found = parts(heat, threshold, min_area)
    rings: dict[int, Rings] = {}
    for part in found:
        if id(part.labels) not in rings:
            rings[id(part.labels)] = _trace(part.labels)
    return tuple(_contour(part, *rings[id(part.labels)][part.label], float(simplify)) for part in found)


def _contour(part: Part, outer: np.ndarray, holes: list[np.ndarray], simplify: float) -> Contour:
    ring, *inner = (_simplify(each, simplify) for each in (outer, *holes))
    return Contour(ring, tuple(hole for hole in inner if len(hole) > 2), part.box.area, part.box.score)


def _trace(labels: np.ndarray) -> Rings:
    """Return the rings of all areas.

    OpenCV follows the centres of border pixels.  On a canvas twice as fine, where each pixel is a block
    of 3 × 3 that shares its rim with its neighbours, those centres are the corners of the pixels.
    """
    cv2 = load_opencv()
    height, width = labels.shape
    canvas = np.zeros((2 * height + 1, 2 * width + 1), np.uint8)
    canvas[1::2, 1::2] = labels > 0
    canvas = cv2.dilate(canvas, np.ones((3, 3), np.uint8))
    found, hierarchy = cv2.findContours(canvas, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    rings = [_corners(each.reshape(-1, 2)) for each in found]
    parents = hierarchy[0][:, 3].tolist()  # below 0: an outer ring
    label_of = {i: _label_at(labels, rings[i][0]) for i, parent in enumerate(parents) if parent < 0}
    result: Rings = {label: (rings[i], []) for i, label in label_of.items()}
    for ring, parent in zip(rings, parents, strict=True):
        if parent >= 0:
            result[label_of[parent]][1].append(ring)
    return result


def _corners(path: np.ndarray) -> np.ndarray:
    """Return a path of steps on the fine canvas as a ring of pixel corners, straight runs as one edge.

    Border following cuts inner corners by a diagonal step; the corner is put back.
    """
    after = np.roll(path, -1, axis=0)
    step = after - path
    diagonal = np.flatnonzero((step != 0).all(axis=1))
    first = np.stack([after[diagonal, 0], path[diagonal, 1]], axis=1)
    second = np.stack([path[diagonal, 0], after[diagonal, 1]], axis=1)
    corner = np.where((first % 2 == 0).all(axis=1, keepdims=True), first, second)
    whole = np.insert(path, diagonal + 1, corner, axis=0)
    ring = whole[(whole % 2 == 0).all(axis=1)] // 2
    arriving, leaving = ring - np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0) - ring
    turns = (arriving != leaving).any(axis=1)
    return np.asarray(ring[turns][::-1], np.float32)


def _label_at(labels: np.ndarray, corner: np.ndarray) -> int:
    """Return the label of the pixels that meet at a corner; all that are labelled are of one area."""
    x, y = corner.astype(int)
    return int(labels[max(y - 1, 0) : y + 1, max(x - 1, 0) : x + 1].max())


def _simplify(ring: np.ndarray, tolerance: float) -> np.ndarray:
    """Return a ring with fewer points (Ramer 1972, Douglas and Peucker 1973), never flattened to a line."""
    if tolerance == 0 or len(ring) <= 4:
        return ring
    fewer = load_opencv().approxPolyDP(ring[:, None], tolerance, True).reshape(-1, 2)
    return fewer if len(fewer) > 2 else ring
