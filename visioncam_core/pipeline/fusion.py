"""Several layers in one map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import attrs
import numpy as np

from visioncam_core.engine.layer_table import input_space
from visioncam_core.pipeline.apply import total
from visioncam_core.pipeline.build import Answer, grouped
from visioncam_core.resize import read_at, resize
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.heat import heat

Rule = Literal["mean", "max"]


def fuse(explanations: Sequence[Explanation], rule: Rule) -> Explanation:
    """Return one explanation from those of several layers, for the same picture, target and method.

    Every layer's map is divided by its own maximum first, so that no layer drowns another; then the
    maps are averaged (as pytorch-grad-cam does for several target layers) or their maximum is taken
    (as LayerCAM fuses stages: Jiang et al. 2021, IEEE TIP 30), and the result is divided by its maximum.

    Args:
        explanations: one for each layer, in the order asked for; at least one.
        rule: "mean", or "max" (by absolute value, where maps are signed).

    Returns:
        An explanation whose layer is the finest of the layers, whose raw map is the fused one on that
        layer's grid, and whose diagnostics name the layer they are about.
    """
    if len(explanations) == 1:
        return explanations[0]
    finest = max(explanations, key=lambda e: e.raw.size)
    raws = [_on_grid(e, finest) for e in explanations]
    paths = ", ".join(e.layer.path for e in explanations)
    return attrs.evolve(
        finest,
        raw=_fused(raws, rule),
        heatmap=heat(_fused([e.heatmap for e in explanations], rule), "signed"),
        layer=attrs.evolve(finest.layer, why=f"the {rule} of {len(explanations)} layers: {paths}"),
        diagnostics=tuple(dict.fromkeys(d for e in explanations for d in _naming_layer(e))),
    )


def fuse_layers(answers: Iterable[Answer], rule: Rule) -> list[Answer]:
    """Return one answer for each picture, target and method; a failure at any layer is its failure."""
    return [_of_layers(layers, rule) for layers in grouped(answers, "picture", "target", "method")]


def _of_layers(layers: Sequence[Answer], rule: Rule) -> Answer:
    if len(layers) == 1:
        return layers[0]
    applied = total([one.applied for one in layers])
    found = [one.explanation for one in layers if one.explanation is not None]
    explanation = None if applied.failure else fuse(found, rule)
    return attrs.evolve(layers[0], explanation=explanation, applied=applied)


def _on_grid(explanation: Explanation, finest: Explanation) -> np.ndarray:
    """Return a scaled map read where the positions of the finest layer lie."""
    values, mine, there = heat(explanation.raw, "signed"), explanation.layer.placement, finest.layer.placement
    if not mine.step and not there.step:
        return resize(values, finest.raw.shape)
    space = input_space(explanation.layer)
    return read_at(values, there.pixels(finest.raw.shape, space), space, mine)


def _fused(maps: list[np.ndarray], rule: Rule) -> np.ndarray:
    stacked = np.stack(maps)
    if rule == "mean":
        return np.asarray(stacked.mean(axis=0), np.float32)
    strongest = np.abs(stacked).argmax(axis=0)
    return np.take_along_axis(stacked, strongest[None], axis=0)[0]


def _naming_layer(explanation: Explanation) -> list[Diagnostic]:
    path = explanation.layer.path
    return [
        attrs.evolve(d, message=f"{path}: {d.message}") if d.code == "no-positive-evidence" else d
        for d in explanation.diagnostics
    ]
