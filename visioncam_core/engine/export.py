"""The plan of one file that answers with the class and its map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.interface import View
from visioncam_core.engine.layer_table import LayerChoice

Run = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
"""Inputs of one picture by name -> outputs by name, by a written file in its own runtime."""
TOP, INPUT = -1, None


@attrs.frozen(eq=False)
class ExportPlan:
    """One graph from the picture to the answer and its map.

    Attributes:
        format: "savedmodel", "tflite", "onnx" or "pt2".
        path: where the file or folder is written.
        view: the traced model, seen through the score that is explained.
        probable: the same through its probabilities.
        choice: the layer.
        draw: activations (N, *grid, K) and gradients, or None, -> maps by the name of the output; written in
            `ops`.
        gradients: whether `draw` needs the gradients.
        target: index of the class; `TOP` for the best of each picture; `INPUT` for an input "target", (N,)
            int32, in which -1 is the best.
        outputs: names of the outputs, in order.
        inputs: names of the model's inputs, in flat order.
        shapes: of these, without the batch.
        metadata: what travels in the file, as JSON can hold it.
        samples: inputs of single pictures to calibrate an int8 file with; () for float32.
    """

    format: str
    path: Path
    view: View
    probable: View
    choice: LayerChoice
    draw: Callable[[Any, Any], dict[str, Any]]
    gradients: bool
    target: int | None
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    metadata: dict[str, Any]
    samples: Sequence[Mapping[str, np.ndarray]] = ()

    @property
    def taken(self) -> list[str]:
        """Names of what the file takes, in order."""
        return [*self.inputs, *(["target"] if self.target is INPUT else [])]


@attrs.frozen(eq=False)
class Written:
    """A file that an engine wrote.

    Attributes:
        run: runs it.
        runtime: what runs it, with its version.
        opset: of ONNX's operations; 0 elsewhere.
        batch: whether it takes several pictures at once.
    """

    run: Run
    runtime: str
    opset: int = 0
    batch: bool = True
