"""What the passes of the torch engine give, beside autograd with hooks on an untouched twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import torch

from helpers.torch_twins import first, lively_pair, reference
from visioncam_core import ops
from visioncam_core.engine.batches import Budget
from visioncam_core.engine.cache import open_trace
from visioncam_core.engine.interface import Engine, Traced, View
from visioncam_core.engine.layer_table import LayerChoice, LayerRow
from visioncam_core.plugins.default import registry
from visioncam_engines.torch.modules import modules_of
from visioncam_engines.torch.placing import from_grid, to_grid

SPEC = next(spec for spec in registry().engines() if spec.name == "torch")
ENGINE: Engine = SPEC.make()
EFFECT = 1e-3
"""The share of the answer from which on the effect of changed activations is more than rounding."""


def opened(model: Any, x: Any, output: Any = None) -> tuple[Traced, View]:
    """Return a model made ready for a batch, and its view."""
    inputs, flat = ENGINE.inputs(model), ENGINE.tensors([x.numpy()])
    traced = open_trace(ENGINE, model, inputs, flat)
    return traced, traced.view(inputs, flat, output, "logit")


def passes_at(view: View, row: LayerRow, batch: int = 4) -> Any:
    return view.passes(LayerChoice(row, "for the test"), None, Budget(batch))


def candidates(view: View) -> list[LayerRow]:
    """Return layers from the first to the last that can be explained, each computed by a step of its own."""
    rows = [
        row for row in view.table.candidates if row.reaches_score and not row.is_score and not row.copy_of
    ]
    return [row for row in rows if ":" not in row.path]


def spread(rows: list[LayerRow], count: int) -> list[LayerRow]:
    """Return so many of the rows, the first and the last among them."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [rows[i] for i in dict.fromkeys(places)]


@attrs.frozen
class Differences:
    """How far the engine is off, as shares of the largest value.

    Attributes:
        forward: of answers for one, two and three pictures.
        activations, gradients: at the layers looked at.
        changed: of the effect that changed activations have on the answer.
        layers: how many were looked at.
        shown: at how many a change has an effect that is more than rounding.
    """

    forward: float
    activations: float
    gradients: float
    changed: float
    layers: int
    shown: int


def differences(make: Callable[[], Any], x: Any, count: int = 3) -> Differences:
    """Return how far the engine is off on a model."""
    model, twin = lively_pair(make)
    traced, view = opened(model, x)
    sizes = (1, 2, 3)
    with torch.no_grad():
        own = [first(twin(x[:n].clone())) for n in sizes]
    names = list(view.outputs)
    forward = [
        _off(dict(zip(names, traced.answers(ENGINE.tensors([x[:n].numpy()])), strict=True))[names[0]], one)
        for n, one in zip(sizes, own, strict=True)
    ]
    if view.exact:
        singles = [first(twin(one[None].clone())).detach() for one in x]
        forward = [_off(traced.answers(ENGINE.tensors([x.numpy()]))[0], torch.cat(singles))]
    found = []
    for row in spread(candidates(view), count):
        number = int(row.path.partition("#")[2] or 0)
        found.append(_at(view, row, twin, x[:1], number))
    activations, gradients, changed, effects = (np.array(column) for column in zip(*found, strict=True))
    seen = effects > EFFECT
    return Differences(
        max(forward),
        activations.max(),
        gradients.max(),
        changed[seen].max(initial=0.0),
        len(found),
        seen.sum(),
    )


def _at(view: View, row: LayerRow, twin: Any, x: Any, number: int) -> tuple[float, float, float, float]:
    """Return how far activations, gradients and changed answers are off at one layer, and their effect."""
    passes, flat = passes_at(view, row), ENGINE.tensors([x.numpy()])

    def cotangent(values: Any, indices: np.ndarray, answer: Any) -> np.ndarray:
        slope = np.zeros((len(values), int(values[0].numel())), np.float32)
        slope[:, 0] += 1
        slope[:, -1] -= 1
        return slope.reshape(tuple(values.shape))

    (seen,) = passes.watch(flat, [cotangent])
    module = modules_of(twin)[row.bare]
    A, G, answer = reference(twin, x, module, number)
    assert row.layout is not None
    changed = seen.activations.repeat(3, 0) * np.random.default_rng(1).integers(
        0, 2, (3, *seen.activations.shape[1:])
    )
    changed = changed.astype(np.float32)
    got = passes.tail(flat, seen.at_layer, lambda k: changed[k], 3, lambda _, answer: ops.to_numpy(answer))
    every = [from_grid(torch.from_numpy(one[None]), row.layout, A) for one in changed]
    dtype = next(twin.parameters()).dtype
    want = torch.cat([reference(twin, x, module, number, change=one.to(dtype))[2] for one in every])
    want = want.movedim(1, -1) if want.dim() == 4 and got.shape != tuple(want.shape) else want
    plain = (
        answer.movedim(1, -1) if answer.dim() == 4 and got.shape[1:] != tuple(answer.shape[1:]) else answer
    )
    effect = float((want - plain).abs().max())
    return (
        _off(seen.activations, to_grid(A, row.layout)),
        _off(seen.gradients, to_grid(G, row.layout)),
        float(np.abs(got - want.float().numpy()).max()) / max(effect, 1e-30),
        effect / float(plain.abs().max()),
    )


def _off(one: Any, other: Any) -> float:
    a, b = (ops.to_numpy(value.float() if hasattr(value, "float") else value) for value in (one, other))
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30))
