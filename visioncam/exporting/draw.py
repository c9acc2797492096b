"""From activations and gradients to the maps of an exported file, in `ops`: every engine writes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from visioncam_core import ops
from visioncam_core.engine.layer_table import LayerChoice
from visioncam_core.pipeline.evidence import Evidence
from visioncam_core.resize import placed_matrix


def drawing(
    method: Any, evidence: str, choice: LayerChoice, space: tuple[int, ...], size: tuple[int, ...] | None
) -> Callable[[Any, Any], dict[str, Any]]:
    """Return `(A, G or None) -> {"raw": (N, *grid), "heatmap": (N, *grid) or (N, *size)}`.

    Args:
        method: the method; one with `in_graph` has that called.
        evidence: as in `results.heat`.
        choice: the layer.
        space: sides of the model's input.
        size: of the heat map; None for the layer's grid.
    """
    compute = getattr(method, "in_graph", method)

    def draw(activations: Any, gradients: Any) -> dict[str, Any]:
        raw = compute(Evidence(activations, None, 0, gradients))
        xp, axes = ops.backend(raw), tuple(range(1, len(raw.shape)))
        part = raw if evidence == "signed" else ops.relu(raw if evidence == "for" else -raw)
        top = xp.max(xp.abs(part), axis=axes, keepdims=True)
        heat = ops.divide(part, top, top > 0)
        for axis, length in enumerate(size or (), start=1):
            side, n = space[axis - 1], int(heat.shape[axis])
            matrix = placed_matrix(length, n, side, 0, side, choice.placement, axis - 1)
            heat = xp.moveaxis(xp.matmul(xp.moveaxis(heat, axis, -1), ops.like(matrix.T, heat)), -1, axis)
        return {"raw": raw, "heatmap": heat}

    return draw
