"""A traced graph with its weights once each, and products of them in one operation, as ONNX has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

aten = torch.ops.aten


def simplify(graph: Any, outputs: Sequence[str]) -> None:
    """Rewrite a graph module in place, so that it returns a dict."""
    _hold_weights(graph)
    (end,) = (node for node in graph.graph.nodes if node.op == "output")
    end.args = (dict(zip(outputs, end.args[0], strict=True)),)
    graph.graph._codegen = torch.fx.graph.CodeGen()
    graph.graph.eliminate_dead_code()
    graph.recompile()


def _hold_weights(graph: Any) -> None:
    """Make every weight one buffer of the graph; the same tensor may have been met several times."""
    known: dict[Any, str] = {}
    for node in graph.graph.nodes:
        if node.op != "get_attr":
            continue
        value = getattr(graph, node.target).detach()
        key = (value.data_ptr(), value.dtype, tuple(value.shape), value.stride())
        if key not in known:
            known[key] = f"weight{len(known)}"
            graph.register_buffer(known[key], value)
        node.target = known[key]
    for name in [*graph._parameters, *(n for n in vars(graph) if n.startswith("_tensor_constant"))]:
        delattr(graph, name)
