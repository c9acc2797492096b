"""What stands for each activation while an end is put together again: logits, probabilities, marks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.graph.ends import End
from visioncam_engines.torch.space.walk import plain, whole
from visioncam_engines.torch.tape.model_trace import Trace
from visioncam_engines.torch.tape.records import Node


@attrs.frozen(eq=False)
class Before:
    """Reads the logits.

    Attributes:
        trace: the tape.
        held: values of it.
    """

    trace: Trace
    held: Mapping[int, Any]

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        if inner is not None:
            return inner.again(self)
        given = self.held[self.trace.nodes[op].args[0].index]
        return 2 * given if kind == "tanh" else given  # (1 + tanh x) / 2 is sigmoid 2x

    def other(self, values: Any) -> Any:
        return -values

    def cast(self, values: Any, dtype: Any) -> Any:
        return values.to(dtype)

    def mixed(self, parts: list[Any]) -> None:
        """Take note of nothing."""


@attrs.frozen(eq=False)
class Probabilities(Before):
    """Reads the probabilities, each between 0 and 1."""

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        node = self.trace.nodes[op]
        given = self.held[node.results[0]]
        if kind == "log_softmax" or "log" in plain(node.name):
            return given.exp()
        return (1 + given) / 2 if kind == "tanh" else given

    def other(self, values: Any) -> Any:
        return 1 - values


@attrs.frozen(eq=False)
class Marks:
    """Reads a number for each softmax and place, the same for its classes; none for a sigmoid.

    Attributes:
        trace: the tape.
        same: whether values that are averaged belong to one softmax.
        met: numbers of the steps that are the activations.
    """

    trace: Trace
    same: list[np.ndarray] = attrs.field(factory=list)
    met: list[int] = attrs.field(factory=list)

    def of(self, op: Any, kind: str, inner: End | None) -> Any:
        self.met.append(op)
        node = self.trace.nodes[op]
        shape = self.trace.shapes[node.args[0].index]
        if "softmax" not in kind:
            return torch.full(shape, torch.nan, dtype=torch.float64)
        axis = class_axis(node, len(shape))
        rows = [1 if i == axis else n for i, n in enumerate(shape)]
        draw = np.random.default_rng(op).random(rows)
        return torch.from_numpy(draw).expand(shape)

    def other(self, values: Any) -> Any:
        return values

    def cast(self, values: Any, dtype: Any) -> Any:
        return values

    def mixed(self, parts: list[Any]) -> None:
        self.same.extend((one == other).numpy() for one, other in itertools.pairwise(parts))


def class_axis(node: Node, rank: int) -> int:
    """Return the axis that a softmax sums to 1 over."""
    dim = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    if dim is None:  # torch's own, old, rule
        dim = 0 if rank in (0, 1, 3) else 1
    return int(whole(dim)) % rank
