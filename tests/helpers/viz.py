"""Explanations made by hand for the renderers' tests: the real records, no model behind them."""

from __future__ import annotations

from typing import Any

import attrs
import matplotlib
import numpy as np

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, Layout
from visioncam_core.plugins.registry import Registry
from visioncam_core.results.comparison import Comparison
from visioncam_core.results.data import Prediction, TargetInfo
from visioncam_core.results.explanation import Explanation

REGISTRY = Registry(("visioncam_viz.plugin",), discover=False)


def colour(name: str, value: float) -> np.ndarray:
    """Return the colour that matplotlib itself gives a value, (3,) uint8."""
    return np.asarray(matplotlib.colormaps[name](value, bytes=True)[:3])


def layer(path: str = "top_activation", grid: tuple[int, ...] = (7, 7)) -> LayerChoice:
    row = LayerRow(
        path=path,
        bare=path,
        kind="Activation",
        shape=(*grid, 8),
        layout=Layout("grid", grid, 8),
        stride=(32,) * len(grid),
        inputs=(0,),
        reaches_score=True,
        is_score=False,
        refused="",
        index=0,
        projects=False,
    )
    return LayerChoice(row, "the last layer with positions")


def gaussian(shape: tuple[int, ...], centre: tuple[float, ...], width: float) -> np.ndarray:
    """Return a bell of height 1, (*shape) float32."""
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    far = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True))
    heat = np.exp(-far / (2 * width**2)).astype(np.float32)
    return np.asarray(heat / heat.max())


def explanation(
    picture: np.ndarray,
    heatmap: np.ndarray,
    label: str = "tiger cat (282)",
    probability: float | None = 0.385,
    **fields: Any,
) -> Explanation:
    """Return an explanation of a picture by Grad-CAM; other fields by name."""
    base = Explanation(
        raw=heatmap,
        heatmap=heatmap,
        picture=picture,
        target=TargetInfo(282, "tiger cat", probability, label),
        score=8.25,
        score_kind="logit",
        predictions=(Prediction(282, "tiger cat", 0.385),),
        probabilities=True,
        layer=layer(),
        method="gradcam",
        method_title="Grad-CAM",
        options={},
        evidence="for",
        diagnostics=(),
        provenance={},
    )
    return attrs.evolve(base, **fields)


def comparison(
    *explanations: Explanation,
    seconds: dict[str, float] | None = None,
    passes: dict[str, int] | None = None,
    failures: dict[str, str] | None = None,
) -> Comparison:
    return Comparison(explanations, seconds or {}, passes or {}, failures or {})
