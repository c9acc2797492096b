"""Where the tape does not tell where positions lie, the model does: by what they depend on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from visioncam_core.engine.batches import COUNTERS
from visioncam_core.engine.graph.placing import astray, centre, corners
from visioncam_core.engine.layer_table import LayerRow, Layout
from visioncam_core.errors import LayerError
from visioncam_engines.torch.noise import Noise
from visioncam_engines.torch.placing import to_grid
from visioncam_engines.torch.tape.model_trace import at_rest


def token_support(noise: Noise, score: Any) -> Callable[[Sequence[LayerRow]], list[float]]:
    """Return what tells of token rows the share of patches that receive a gradient, on noise."""

    def measured(rows: Sequence[LayerRow]) -> list[float]:
        values = [noise.trace.record(row.path).value for row in rows]
        slopes = noise.slopes(score, values)
        shares = []
        for row, value in zip(rows, values, strict=True):
            if row.layout is None:
                raise LayerError(f"layer {row.path!r} has no tokens")
            if value in slopes:
                size = to_grid(slopes[value], row.layout)[0].abs().amax(-1)
                shares.append(float((size > 0).float().mean()))
            else:
                shares.append(1.0)  # nothing is known of them
        return shares

    def once(rows: Sequence[LayerRow]) -> list[float]:
        key = ("token-support", tuple(row.path for row in rows), score.key)
        return list(noise.trace.once(key, lambda: measured(rows)))

    return once


def around(noise: Noise, score: Any) -> Callable[[LayerRow], float]:
    """Return what tells of a row which share of the evidence, Σ |A ∘ G|, flows around it, on noise."""

    def share(row: LayerRow) -> float:
        through, *beside = noise.flows(score, noise.trace.record(row.path).value) or [0.0]
        by = sum(beside)
        return by / (through + by) if by > 0 else 0.0

    return lambda row: float(noise.trace.once(("around", row.path, score.key), lambda: share(row)))


def refusal(noise: Noise, image: int, channels_first: bool) -> Callable[[LayerRow], str]:
    """Return what tells of a row with a guessed layout why it is wrong, or ""."""

    def measured(row: LayerRow) -> str:
        if row.layout is None:
            return "the graph does not show where its positions lie"
        shape = noise.trace.shapes[noise.trace.inputs[image]][1:]
        centres = _centres(noise, noise.trace.record(row.path).value, row.layout, image, channels_first)
        return astray(centres, row.layout, shape[1:] if channels_first else shape[:-1])

    def once(row: LayerRow) -> str:
        return noise.trace.once(("local", row.path, image), lambda: measured(row)) if row.guessed else ""

    return once


def _centres(
    noise: Noise, value: int, layout: Layout, image: int, channels_first: bool
) -> dict[tuple[int, ...], np.ndarray] | None:
    """Return corner of the grid -> centre of the energy of its gradient in the picture, in pixels."""
    leaf, output = noise.behind_picture(noise.picture(), image, value)
    mix = torch.from_numpy(np.random.default_rng(0).normal(size=layout.channels)).to(output.device)
    places = corners(layout)
    found = {}
    with at_rest(True):
        grid = to_grid(output, layout).double()
        for at in places:
            total = (grid[(0, *at)] * mix).sum()
            if not total.requires_grad:
                return None
            COUNTERS.add("backward")
            try:
                (slope,) = torch.autograd.grad(total, leaf, retain_graph=at != places[-1], allow_unused=True)
            except (RuntimeError, NotImplementedError):
                return None
            if slope is None:
                return None
            energy = slope[0].detach().double().square().sum(0 if channels_first else -1)
            middle = centre(energy.cpu().numpy())
            if middle is None:
                return None
            found[at] = middle
    return found
