"""Explanations made by hand, for renderers: any picture, any heat map, no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, Layout
from visioncam_core.results.accounts import RegionTable
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.explanation import Explanation

NAMES = ("tabby, tabby cat", "Egyptian cat", "tiger cat", "lynx", "Persian cat")


def make_explanation(
    heatmap: np.ndarray,
    picture: np.ndarray | None = None,
    *,
    evidence: str = "for",
    names: Sequence[str] = NAMES,
) -> Explanation:
    """Return an explanation of a picture with a heat map of your own.

    Args:
        heatmap: (H, W), (L,) or (D, H, W) values, in [0, 1], or in [-1, 1] when signed.
        picture: (*heatmap.shape[, C]) pixels or values; smooth colours by default.
        evidence: "for", "against" or "signed".
        names: of the classes the model sees, best first; none where they are not known.
    """
    heat = np.asarray(heatmap, np.float32)
    shown = photo(heat.shape) if picture is None else picture
    layout = Layout("grid", heat.shape, 8)
    row = LayerRow(
        "block5/conv", "block5/conv", "Conv2D", (*heat.shape, 8), layout, (1.0,) * heat.ndim, (0,), True
    )
    label = f"{names[0].split(',')[0]} (281)" if names else "class 281"
    shares = [0.5, 0.2, 0.1, 0.05, 0.01][: len(names)]
    return Explanation(
        raw=heat.copy(),
        heatmap=heat,
        picture=shown,
        target=TargetInfo(281, names[0] if names else None, 0.5 if names else None, label),
        score=3.25,
        score_kind="logit",
        predictions=tuple(
            Prediction(281 + i, name, share)
            for i, (name, share) in enumerate(zip(names, shares, strict=False))
        ),
        probabilities=True,
        layer=LayerChoice(row, "as asked"),
        method="gradcam",
        method_title="Grad-CAM",
        options={},
        evidence=evidence,
        diagnostics=(),
        provenance={"visioncam": "test", "model": "model", "source": "array"},
        regions=_quarters(heat),
    )


def _quarters(heat: np.ndarray) -> RegionTable:
    """Return the mean of a heat map in each fourth along its axes, for renderers of regions."""
    cells = [np.arange(n) * min(4, n) // n for n in heat.shape]
    numbers: np.ndarray = np.zeros(heat.shape, np.int64)
    for axis, cell in enumerate(cells):
        numbers = numbers * 4 + cell.reshape([-1 if other == axis else 1 for other in range(heat.ndim)])
    labels = np.unique(numbers, return_inverse=True)[1]
    labels = labels.reshape(heat.shape).astype(np.int32)
    sums = np.bincount(labels.ravel(), np.nan_to_num(heat).ravel()) / np.bincount(labels.ravel())
    return RegionTable(labels, tuple(f"part {i + 1}" for i in range(len(sums))), sums)


def blob(shape: Sequence[int], place: Sequence[float], width: float = 0.15) -> np.ndarray:
    """Return a smooth blob of height 1, (*shape) float32.

    Args:
        shape: lengths of the axes.
        place: where its middle is, each from 0 to 1 along its axis.
        width: its size, as a share of the axis.
    """
    heat = np.ones(tuple(shape), np.float64)
    for axis, (length, at) in enumerate(zip(shape, place, strict=True)):
        distance = (np.arange(length) + 0.5) / length - at
        bell = np.exp(-0.5 * (distance / width) ** 2)
        heat *= bell.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    unit: np.ndarray = (heat / heat.max()).astype(np.float32)
    return unit


def photo(shape: Sequence[int], channels: int = 3) -> np.ndarray:
    """Return smooth colours, (*shape, channels) uint8; the same in every call."""
    axes = np.meshgrid(*(np.linspace(0, 1, length) for length in shape), indexing="ij")
    bands = [axes[i % len(axes)] * (0.9 - 0.2 * i) + 0.05 * i for i in range(channels)]
    pixels: np.ndarray = np.rint(255 * np.clip(np.stack(bands, axis=-1), 0, 1)).astype(np.uint8)
    return pixels
