"""How many pictures are run together, and in which order of memory: what a CPU is quickest with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from visioncam_core.engine.batches import FEW
from visioncam_engines.torch.run.memory import bytes_of
from visioncam_engines.torch.tape.model_trace import at_rest

REUSED = 32 * 2**20
"""Bytes from which on glibc maps each array by itself, page by page: a third of a forward pass."""


def at_once(passes: Any, feeds: Sequence[int]) -> int:
    """Return how many pictures go at once through what lies behind some values.

    On a CPU as many as keep each value small enough for its memory to be used again.
    """
    trace, fetches = passes.trace, passes.score.fetches
    if trace.exact:
        return 1

    def fitting() -> int:
        if passes.placing.device.type != "cpu":
            return FEW
        steps = trace.ancestors(fetches, set(feeds))
        made = [bytes_of(trace, value) for number in steps for value in trace.nodes[number].made]
        return max(1, min(FEW, REUSED // max(made, default=1) or 1))

    return passes.budget.pictures or trace.once(("at once", *feeds, fetches), fitting)


def ordered(passes: Any, flat: list[Any]) -> list[Any]:
    """Return several pictures channels last in memory, where the model's answer is then the same."""
    if len(flat[0]) == 1 or not passes.channels_first or passes.placing.device.type != "cpu":
        return flat
    last = [
        x.contiguous(memory_format=torch.channels_last)
        if x.dim() == len("NCHW") and x.is_floating_point()
        else x
        for x in flat
    ]
    same = passes.trace.once(("order", passes.score.fetches), lambda: _alike(passes, flat, last))
    return last if same else flat


def _alike(passes: Any, one: list[Any], other: list[Any]) -> bool:
    with at_rest():
        first = passes.whole(one)[1].float()
        try:
            second = passes.whole(other)[1].float()
        except RuntimeError:  # a `view` across axes
            return False
        return torch.allclose(first, second, rtol=1e-3, atol=1e-4 * float(first.abs().max()), equal_nan=True)
