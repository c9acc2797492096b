"""COCO JSON: the areas of evidence as annotations that labelling tools and evaluators read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.results.areas import MIN_AREA, SIMPLIFY, THRESHOLD
from visioncam_core.results.areas import boxes as boxes_of
from visioncam_core.results.contours import Contour, contours
from visioncam_core.results.data import ExplanationData

MADE = ("visioncam", "model", "model_sha256")  # what `info` says, besides the threshold


@attrs.frozen
class Coco:
    """One picture's areas: an image, its annotations and their category.

    A category's number is the class index.  An annotation's `score` is the share of the map's
    evidence in its area.  An area with holes is written as run lengths, which polygons cannot say.

    Attributes:
        threshold: from where on evidence counts.
        min_area: areas of fewer pixels are left out.
        simplify: pixels by which a polygon may leave the true outline.
    """

    threshold: float | str = THRESHOLD
    min_area: int = MIN_AREA
    simplify: float = SIMPLIFY

    def __call__(self, explanation: ExplanationData) -> bytes:
        return json.dumps(self.document([explanation]), indent=1, allow_nan=False).encode("ascii")

    def document(self, explanations: Sequence[ExplanationData]) -> dict[str, Any]:
        """Return explanations of pictures as one data set; those of the same array share an image."""
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        categories: dict[tuple[int, str], dict[str, Any]] = {}
        numbers: dict[int, int] = {}
        for e in explanations:
            outlines = contours(e.heatmap, self.threshold, min_area=self.min_area, simplify=self.simplify)
            boxes = boxes_of(e.heatmap, self.threshold, min_area=self.min_area)
            height, width = e.heatmap.shape
            image = numbers.setdefault(id(e.picture), len(images) + 1)
            if image > len(images):
                name = str(e.provenance.get("source", "array"))
                images.append({"id": image, "file_name": name, "width": width, "height": height})
            index, label = e.target.index or 0, e.target.name or e.target.label
            categories[index, label] = {"id": index, "name": label}
            for box, outline in zip(boxes, outlines, strict=True):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": image,
                        "category_id": index,
                        "bbox": [box.left, box.top, box.width, box.height],
                        "area": box.area,
                        "segmentation": segmentation(outline, (height, width)),
                        "iscrowd": 0,
                        "score": box.score,
                        "method": e.method,
                        "layer": e.layer.path,
                    }
                )
        return {
            "info": {
                "description": f"VisionCam: areas of evidence at threshold {self.threshold}",
                **{name: text for name in MADE if (text := _common(explanations, name))},
            },
            "images": images,
            "annotations": annotations,
            "categories": list(categories.values()),
        }


def _common(explanations: Sequence[ExplanationData], name: str) -> str:
    """Return what the provenance of all explanations says, or nothing."""
    values = {str(e.provenance.get(name, "")) for e in explanations}
    return values.pop() if len(values) == 1 else ""


def segmentation(outline: Contour, shape: tuple[int, int]) -> list[list[float]] | dict[str, Any]:
    """Return an outline as COCO's polygon, or as its run lengths where it has holes."""
    if not outline.holes:
        return [[float(number) for number in outline.points.ravel()]]
    return {"counts": run_lengths(fill(outline, shape)), "size": list(shape)}


def fill(outline: Contour, shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels whose centres lie in an outline and outside its holes, (H, W) bool."""
    inside = np.zeros(shape, bool)
    columns = np.arange(shape[1]) + 0.5
    for ring in (outline.points, *outline.holes):
        for (x0, y0), (x1, y1) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
            low, high = sorted((y0, y1))
            rows = np.arange(int(np.ceil(low - 0.5)), int(np.ceil(high - 0.5)))
            if len(rows):
                crossing = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
                inside[rows] ^= columns > crossing[:, None]
    return inside


def run_lengths(mask: np.ndarray) -> list[int]:
    """Return a mask's runs down its columns, off and on by turns, off first: COCO's uncompressed form."""
    flat = np.concatenate([[False], mask.ravel(order="F")])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff([0, *edges.tolist(), mask.size]).tolist()
