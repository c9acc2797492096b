"""What speaks against opening an ONNX file from anybody: it is read as data, and nothing in it is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any

from visioncam_core.text import error_text
from visioncam_engines.runtimes.onnx_sizes import too_large
from visioncam_engines.runtimes.ports import OUTSIDE, TENSOR, Facts, Port, damaged, needed

DEEPEST, NODES = 8, 200_000  # of graphs in graphs; in all, functions written out
STANDARD = ("", "ai.onnx", "ai.onnx.ml")


def read_checked(content: bytes, name: str) -> Facts:
    """Return what a file holds, and what is wrong with it.

    Args:
        content: the file.
        name: what messages call it.

    Raises:
        ModelError: it is no ONNX file, or damaged.
        BackendError: ONNX is not installed.
    """
    onnx = needed("onnx", name)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:  # protobuf's own classes
        raise damaged(name, f"it is not an ONNX file: {error_text(error, 60)}") from error
    if not model.graph.node or not model.graph.output:
        raise damaged(name, "it holds no graph")
    seen = _Walk(onnx, {(one.domain, one.name) for one in model.functions})
    seen.graph(model.graph, 0)
    for function in model.functions:
        seen.nodes(function.node, 0)
    weights = {one.name for one in model.graph.initializer}
    ends = [("input", one) for one in model.graph.input if one.name not in weights]
    ends += [("output", one) for one in model.graph.output]
    ports = tuple((side, _port(onnx, one)) for side, one in ends)
    metadata = {one.key: one.value for one in model.metadata_props}
    problems = seen.problems or _written_out(model) or too_large(onnx, model)
    return Facts(problems, ports, metadata)


def _port(onnx: Any, told: Any) -> Port:
    kind = told.type.tensor_type
    axes = (n.dim_value if n.HasField("dim_value") and n.dim_value >= 0 else None for n in kind.shape.dim)
    try:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type).name
    except KeyError:
        dtype = "unknown"
    return Port(told.name, tuple(axes), dtype)


class _Walk:
    """Looks at every node, and remembers what is wrong, each kind once."""

    def __init__(self, onnx: Any, functions: set[tuple[str, str]]) -> None:
        self.kinds, self.functions = onnx.AttributeProto, functions
        self.external = onnx.TensorProto.EXTERNAL
        self.problems: list[str] = []
        self.count = 0

    def told(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)

    def graph(self, graph: Any, depth: int) -> None:
        if depth > DEEPEST:
            return self.told(f"has graphs in graphs, more than {DEEPEST} deep")
        if graph.sparse_initializer:
            self.told("holds sparse weights, whose size it only declares")
        for tensor in graph.initializer:
            self.tensor(tensor)
        return self.nodes(graph.node, depth)

    def nodes(self, nodes: Iterable[Any], depth: int) -> None:
        for node in nodes:
            self.count += 1
            if self.count > NODES:
                return self.told(f"has more than {NODES:,} operations")
            called = (node.domain, node.op_type) in self.functions
            if node.domain not in STANDARD and not called:
                kind = f"{_short(node.op_type)} of {_short(node.domain)}"
                self.told(f"needs the operator {kind}, which is not ONNX's")
            if node.op_type == "Loop" and not called:
                self.told(f"has a loop ({_short(node.name)}), which may never end")
            for attribute in node.attribute:
                self.attribute(attribute, depth)
        return None

    def attribute(self, attribute: Any, depth: int) -> None:
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            self.told("holds sparse weights, whose size it only declares")
        for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
            self.tensor(tensor)
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            self.graph(graph, depth + 1)

    def tensor(self, tensor: Any) -> None:
        name = _short(tensor.name)
        if tensor.data_location == self.external or tensor.external_data:
            places = [one.value for one in tensor.external_data if one.key == "location"]
            at = _short(places[0]) if places else "no place given"
            self.told(
                f"{OUTSIDE} ({at}); write them into this one: onnx.save(onnx.load(path), 'one.onnx'), or "
                "torch.onnx.export(..., external_data=False)"
            )
            return
        stored = len(tensor.raw_data) + sum(
            len(getattr(tensor, f"{kind}_data"))
            for kind in ("float", "int32", "int64", "double", "uint64", "string")
        )
        if any(n < 0 for n in tensor.dims) or (declared := prod(tensor.dims)) > 8 * stored:
            declares = " x ".join(str(n) for n in tensor.dims[:8])
            self.told(f"the array {name} declares {declares[:80]} numbers and stores {stored:,} bytes")
            return
        if declared > TENSOR:
            self.told(f"the array {name} has {declared:,} numbers")


def _written_out(model: Any) -> list[str]:
    """Return what is wrong with the file's own functions once they are written out."""
    bodies = {(one.domain, one.name): one.node for one in model.functions}
    counts: dict[tuple[str, str], int] = {}
    open_now: set[tuple[str, str]] = set()

    def count(nodes: Iterable[Any]) -> int:
        total = 0
        for node in _deep(nodes):
            key = (node.domain, node.op_type)
            total += 1
            if key in bodies:
                if key in open_now or len(open_now) > DEEPEST * 4:
                    raise RecursionError
                if key not in counts:
                    open_now.add(key)
                    counts[key] = count(bodies[key])
                    open_now.remove(key)
                total += counts[key]
        return total

    try:
        total = count(model.graph.node)
    except RecursionError:
        return ["has functions that call themselves, or each other too deep"]
    return [f"its functions written out are {total:,} operations, at most {NODES:,}"] if total > NODES else []


def _deep(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _deep(graph.node)


def _short(text: str) -> str:
    return repr(text[:60])
