"""What `visioncam.export` returns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Exported:
    """A file that was written, and how it did when it was run on pictures, before it was put in place.

    Attributes:
        path: of the file, or of the folder of a SavedModel.
        format: "savedmodel", "tflite", "onnx" or "pt2".
        size: bytes, of a folder those of all its files.
        layer: path of the layer that the map is of.
        error: largest difference of a value of the map, 0 to 1, from that of `visioncam.explain`.
        correlation: least rank correlation of a picture's map with that of `visioncam.explain`.
        same_class: whether the best class was that of the model itself, of each picture.
        runtime: what ran the file.
        opset: of ONNX's operations, 0 elsewhere.
        batch: whether it takes several pictures at once.
        quantized: whether it computes in int8.
        metadata: what the file says of itself, see docs/deploying.md.
    """

    path: Path
    format: str
    size: int
    layer: str
    error: float
    correlation: float
    same_class: tuple[bool, ...]
    runtime: str
    opset: int
    batch: bool
    quantized: bool
    metadata: dict[str, Any] = attrs.field(repr=False)

    def lines(self) -> list[str]:
        """Return what there is to say of it, for people."""
        kind = f"{self.format}, int8" if self.quantized else self.format
        kind += f", opset {self.opset}" if self.opset else ""
        agree = f"{sum(self.same_class)} of {len(self.same_class)} pictures have the model's class"
        return [
            f"{self.path}: {kind}, {self.size / 1e6:.1f} MB; {self.metadata['method']} at {self.layer}",
            f"run by {self.runtime}: maps differ by {self.error:.1e} at most, rank correlation "
            f"{self.correlation:.4f} at least; {agree}",
        ]
