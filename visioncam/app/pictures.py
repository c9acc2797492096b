"""Pictures at the size that the page shows, drawn and packed quickly: a phone's photo has ten times that."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import attrs
import numpy as np

from visioncam.html_report.data_uris import smaller
from visioncam_core.results.explanation import Explanation

QUICK = {"quality": 90, "method": 1}  # of Pillow's WebP


def at_most(explanation: Explanation, side: int) -> Explanation:
    """Return an explanation of a large photo on fewer pixels, for drawing; any other as it is."""
    picture, heatmap, regions = explanation.picture, explanation.heatmap, explanation.regions
    small = heatmap.ndim == 2 and heatmap.shape == picture.shape[:2] and picture.dtype == np.uint8
    if not small or picture.shape[2:] not in ((), (3,)):
        return explanation
    if regions is not None:
        regions = attrs.evolve(regions, labels=smaller(regions.labels, side, averaged=False))
    return attrs.evolve(
        explanation, picture=smaller(picture, side), heatmap=smaller(heatmap, side), regions=regions
    )


def write_webp(pixels: np.ndarray, folder: Path, stem: str) -> str:
    """Write (H, W, 3) uint8 pixels into the private folder; return the file."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "WEBP", **QUICK)
    path = folder / f"{stem}.webp"
    path.write_bytes(buffer.getvalue())
    return str(path)
