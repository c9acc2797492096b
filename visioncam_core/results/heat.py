"""The part of a raw map that is shown, scaled to its maximum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from visioncam_core.results.data import ExplanationData


def part_of(raw: np.ndarray, evidence: str) -> np.ndarray:
    """Return the part of a raw map that is shown, on its own scale; see `heat`."""
    return raw if evidence == "signed" else np.maximum(raw if evidence == "for" else -raw, 0)


STRONGEST = 1 / 200
NEAR = 1 / 100
"""Width, as a share of a map's longest side, over which a map of single pixels is drawn."""


def heat(raw: np.ndarray, evidence: str) -> np.ndarray:
    """Return the shown part of a raw map divided by its maximum; zeros stay zeros.

    Args:
        raw: (*grid) float32, finite.
        evidence: "for" (the positive part), "against" (the negative part, turned positive), "signed".

    Returns:
        (*grid) float32 in [0, 1], or in [-1, 1] when signed.
    """
    part = part_of(raw, evidence)
    top = float(np.abs(part).max(initial=0.0))
    if top == 0.0:
        return np.zeros_like(part)
    return (part.astype(np.float64) / top).astype(np.float32)


def pooled(raw: np.ndarray) -> np.ndarray:
    """Return what each pixel's neighbourhood adds up to: single pixels are too small to be seen.

    A Gaussian average of width `NEAR`, in which the strongest of every 200 values count alike, as a few
    would leave the others invisible; for drawing alone.
    """
    from scipy.ndimage import gaussian_filter

    values = np.asarray(gaussian_filter(raw, NEAR * max(raw.shape), mode="constant"), np.float32)
    top = np.quantile(np.abs(values), 1 - STRONGEST) or np.abs(values).max()
    return np.clip(values, -top, top)


COARSE = 3
"""Pixels between two values of a map from which on creases between them would be seen."""
ALIKE = 0.05
Weights = Callable[[np.ndarray], dict[int, np.ndarray]]


def opaque_from(explanation: ExplanationData) -> float:
    """Return the share of the strongest evidence from which on a colour is opaque.

    All of it; half in the files of earlier versions, which do not tell where a map lies, and volumes.
    """
    return 1.0 if isinstance(explanation.provenance.get("place"), dict) else 0.5


def smooth(explanation: ExplanationData) -> np.ndarray:
    """Return a picture's heat map for drawing: without the creases that lines between few values have.

    A Catmull-Rom spline through the map's own values, cut at the least and the largest of them: each place
    that the layer looks at keeps its value.  A heat map that is not `raw` between its values is returned as
    it is, as are those that are fine enough.

    Returns:
        (H, W) float32 ndarray of the range of `explanation.heatmap`.
    """
    heatmap, place = explanation.heatmap, explanation.provenance.get("place")
    if not isinstance(place, dict) or heatmap.ndim != 2 or explanation.raw.ndim != 2:
        return heatmap
    if min(abs(step) * side for (_, step), side in zip(place["axes"], heatmap.shape, strict=True)) < COARSE:
        return heatmap
    values = heat(explanation.raw, explanation.evidence)
    straight, curved = (_between(values, place, heatmap.shape, kind) for kind in (_linear, _catmull_rom))
    top = float(np.abs(straight).max(initial=0.0))
    scale = float(np.abs(heatmap).max(initial=0.0)) / top if top else 0.0
    if not np.allclose(straight * scale, heatmap, atol=ALIKE * max(scale, 1e-6), rtol=0):
        return heatmap
    return np.asarray(np.clip(curved, values.min(), values.max()) * scale, np.float32)


def _between(values: np.ndarray, place: dict[str, Any], shape: tuple[int, ...], kind: Weights) -> np.ndarray:
    """Return a map read between its values at each pixel of a picture; 0 where the model saw nothing."""
    rows, columns = (
        _weights(shape[i], values.shape[i], place["axes"][i], place["seen"][i::2], kind) for i in (0, 1)
    )
    return np.asarray(rows @ values @ columns.T)


def _weights(side: int, n: int, axis: Sequence[float], seen: Sequence[float], kind: Weights) -> np.ndarray:
    share, (first, step), (low, high) = (np.arange(side) + 0.5) / side, axis, seen
    at = np.clip((share - first) / step, 0, n - 1)
    matrix = np.zeros((side, n), np.float32)
    for offset, weight in kind(at - np.floor(at)).items():
        np.add.at(matrix, (np.arange(side), np.clip(np.floor(at).astype(int) + offset, 0, n - 1)), weight)
    matrix[(share < low) | (share > high)] = 0
    return matrix


def _linear(t: np.ndarray) -> dict[int, np.ndarray]:
    return {0: 1 - t, 1: t}


def _catmull_rom(t: np.ndarray) -> dict[int, np.ndarray]:
    return {
        -1: (-t + 2 * t**2 - t**3) / 2,
        0: (2 - 5 * t**2 + 3 * t**3) / 2,
        1: (t + 4 * t**2 - 3 * t**3) / 2,
        2: (t**3 - t**2) / 2,
    }
