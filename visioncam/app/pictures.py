"""Pictures at the size that the page shows, drawn and packed quickly: a phone's photo has ten times that."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import attrs
import numpy as np

from visioncam_core.opencv import load_opencv
from visioncam_core.results.explanation import Explanation

QUICK = {"quality": 90, "method": 1}  # of Pillow's WebP


def at_most(explanation: Explanation, side: int) -> Explanation:
    """Return an explanation of a large photo on fewer pixels, for drawing; any other as it is."""
    picture, heatmap, regions = explanation.picture, explanation.heatmap, explanation.regions
    small = heatmap.ndim == 2 and heatmap.shape == picture.shape[:2] and picture.dtype == np.uint8
    if not small or picture.shape[2:] not in ((), (3,)):
        return explanation
    if regions is not None:
        nearest = load_opencv().INTER_NEAREST
        regions = attrs.evolve(regions, labels=at_side(regions.labels, side, nearest))
    return attrs.evolve(
        explanation, picture=at_side(picture, side), heatmap=at_side(heatmap, side), regions=regions
    )


def at_side(pixels: np.ndarray, side: int, how: int | None = None) -> np.ndarray:
    """Return pixels whose longer side is `side` at most, averaged, or as OpenCV's `how` says."""
    cv2 = load_opencv()
    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if how is None else how))


def write_webp(pixels: np.ndarray, folder: Path, stem: str) -> str:
    """Write (H, W, 3) uint8 pixels into the private folder; return the file."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", **QUICK)
    path = folder / f"{stem}.webp"
    path.write_bytes(buffer.getvalue())
    return str(path)
