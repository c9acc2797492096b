"""A traced graph with its weights once each, and products of them in one operation, as ONNX has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

aten = torch.ops.aten


def simplify(graph: Any, outputs: Sequence[str]) -> None:
    """Rewrite a graph module in place, so that it returns a dict."""
    _hold_weights(graph)
    for node in list(graph.graph.nodes):
        rule = _SIMPLER.get(node.target) if node.op == "call_function" else None
        found = None if rule is None else rule(node)
        if found is not None:
            node.replace_all_uses_with(found)
            graph.graph.erase_node(node)
    (end,) = (node for node in graph.graph.nodes if node.op == "output")
    end.args = (dict(zip(outputs, end.args[0], strict=True)),)
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


def _same(node: Any) -> Any:
    return node.args[0]


def _turned(node: Any) -> Any:
    """Return the matrix that is turned twice."""
    return node.args[0].args[0] if _is(node.args[0], aten.t.default) else None


def _whole(node: Any) -> Any:
    """Return what all of is taken."""
    return node.args[0] if node.args[1:] in ((0, 0, 2**63 - 1), (1, 0, 2**63 - 1)) else None


def _product(node: Any) -> Any:
    """Return a product with a turned matrix, which both formats have, or the row of the class of a matrix."""
    *bias, left, right = node.args
    if _is(right, aten.t.default) and not node.kwargs:
        return _put(node, aten.linear.default, left, right.args[0], *bias)
    if bias or not (_is(left, aten._to_copy.default) and _is(left.args[0], aten.eq.Tensor)):
        return None
    classes, index = left.args[0].args
    every = _is(classes, aten.arange.default) and classes.args == (right.meta["val"].shape[0],)
    if not every or not _is(index, aten.unsqueeze.default) or index.args[1] not in (1, -1):
        return None
    return _put(node, aten.index_select.default, right, 0, index.args[0])


def _is(node: Any, operation: Any) -> bool:
    return isinstance(node, torch.fx.Node) and node.target is operation


def _put(node: Any, operation: Any, *given: Any) -> Any:
    with node.graph.inserting_before(node):
        return node.graph.call_function(operation, given)


_SIMPLER: dict[Any, Callable[[Any], Any]] = {
    aten.detach.default: _same, aten.t.default: _turned, aten.slice.Tensor: _whole, aten.mm.default: _product,
    aten.addmm.default: _product,
}  # fmt: skip
"""Operation -> what takes the place of one of it, or None."""
