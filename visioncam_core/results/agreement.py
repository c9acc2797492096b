"""How far several methods agree on one picture: where, and how much."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice, input_space
from visioncam_core.errors import ImageError
from visioncam_core.resize import read_at, resize
from visioncam_core.results.areas import mask
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.heat import part_of

STRONGEST = "p90"  # every method's strongest tenth of the pixels: the same area for each
COMMON = 32  # positions along an axis on which maps of different layers are compared


@attrs.frozen(eq=False)
class Correlations:
    """Spearman's rank correlation between the maps of each pair of methods.

    Attributes:
        methods: canonical names, in the order of rows and columns.
        values: (n, n) float64 ndarray in [-1, 1], 1 on its diagonal; NaN for a map that is the same
            everywhere, which has no order to compare.
    """

    methods: tuple[str, ...]
    values: np.ndarray

    @property
    def mean(self) -> float:
        """The mean over all pairs that have a value; NaN where none has."""
        pairs = self.values[np.triu_indices(len(self.methods), 1)]
        known = pairs[np.isfinite(pairs)]
        return float(known.mean()) if known.size else float("nan")

    def __str__(self) -> str:
        """Return the table as text."""
        width = max(map(len, self.methods), default=0)
        rows = [
            f"{name:<{width}}  " + " ".join(f"{value:6.2f}" for value in row)
            for name, row in zip(self.methods, self.values, strict=True)
        ]
        return "\n".join(rows)


def agreement(explanations: Sequence[ExplanationData], threshold: float | str = STRONGEST) -> np.ndarray:
    """Return for each pixel the share of the methods whose evidence is strong there, float32 in [0, 1].

    Args:
        explanations: of one picture.
        threshold: as in `areas.level`; by default each method's strongest tenth of the pixels.

    Raises:
        ImageError: there is no explanation, or the maps differ in shape.
        OptionError: a threshold out of its range, or an unknown one.
    """
    shapes = {explanation.heatmap.shape for explanation in explanations}
    if len(shapes) != 1:
        got = f"maps of the shapes {sorted(shapes)}" if shapes else "none"
        raise ImageError(f"Agreement needs explanations of one picture, received {got}.")
    masks = [mask(explanation.heatmap, threshold) for explanation in explanations]
    return np.asarray(np.mean(masks, axis=0, dtype=np.float32))


def correlations(explanations: Sequence[ExplanationData]) -> Correlations:
    """Return the rank correlation of each two maps, at the layer's own resolution.

    Compared is what the maps show: with `evidence="for"` the positive part.  Maps of different layers
    are read at the same 32 places an axis, between the outermost that all of them have.
    """
    parts = [part_of(np.asarray(one.raw, np.float32), one.evidence) for one in explanations]
    if len({part.shape for part in parts}) > 1:
        parts = _on_common(parts, [one.layer for one in explanations])
    ordered = [ranks(part.ravel()) for part in parts]
    values = np.array([[pearson(one, other) for other in ordered] for one in ordered])
    count = len(explanations)
    return Correlations(tuple(e.method for e in explanations), values.reshape(count, count))


def _on_common(parts: Sequence[np.ndarray], layers: Sequence[LayerChoice]) -> list[np.ndarray]:
    """Return maps of several layers read at the same places, between the outermost that all of them have."""
    placed = next((layer for layer in layers if layer.placement.step), None)
    if placed is None:
        return [resize(part, (COMMON,) * part.ndim) for part in parts]
    space = input_space(placed)
    looks = [layer.placement.pixels(part.shape, space) for part, layer in zip(parts, layers, strict=True)]
    common = [
        np.linspace(max(line.min() for line in lines), min(line.max() for line in lines), COMMON)
        for lines in zip(*looks, strict=True)
    ]
    return [read_at(part, common, space, layer.placement) for part, layer in zip(parts, layers, strict=True)]


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return Spearman's rank correlation of two arrays of one size; NaN where one has no order."""
    return pearson(ranks(one.ravel()), ranks(other.ravel()))


def ranks(values: np.ndarray) -> np.ndarray:
    """Return each value's rank from 0, equal values sharing the mean of theirs, (n,) float64."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts + 1) / 2)[place.ravel()])


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """Return Pearson's correlation of two arrays of one size; NaN where one of them is constant."""
    a, b = (np.asarray(part, np.float64).ravel() for part in (one, other))
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / scale, -1, 1)) if scale > 0 else float("nan")


ROUNDING = 1e-5
"""Share of the largest size by which float32 makes numbers differ that should be the same."""


def alike(arrays: Sequence[np.ndarray]) -> bool:
    """Return whether finite arrays of one shape are the same up to rounding."""
    table = np.stack(arrays).astype(np.float64)
    with np.errstate(invalid="ignore"):
        return bool(np.ptp(table, axis=0).max(initial=0.0) <= ROUNDING * np.abs(table).max(initial=0.0))


def is_flat(raw: np.ndarray) -> bool:
    """Return whether the positive part of a finite map is the same everywhere up to rounding, or nowhere."""
    part = np.maximum(raw, 0)
    return bool(np.ptp(part) <= ROUNDING * part.max())
