"""Rows for a graph without layers: each operation's output that could be a feature map, by its own name."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from visioncam_engines.keras.records import Recorded
from visioncam_engines.tensorflow.graph.graph import constant, descendants
from visioncam_engines.tensorflow.graph.inlining import plain_name

_COPIES = ("Identity", "IdentityN", "Cast", "StopGradient", "PreventGradient", "CheckNumerics", "Placeholder")
_PRODUCTS = ("Conv2D", "Conv3D", "DepthwiseConv2dNative", "MatMul", "BatchMatMulV2", "Einsum")
_TO_FIRST, _TO_LAST = ([0, 3, 1, 2], [0, 4, 1, 2, 3], [0, 2, 1]), ([0, 2, 3, 1], [0, 2, 3, 4, 1], [0, 2, 1])


def operation_records(inputs: list[Any], among: frozenset[str]) -> list[Recorded]:
    """Return a record for the output of every operation, among those named, that could be a feature map."""
    from_input = descendants(inputs)
    formats: dict[int, str] = {}
    chosen: list[tuple[str, Any]] = []
    for op in inputs[0].graph.get_operations():
        data_format = _data_format(op, formats)
        for output in op.outputs:
            formats[id(output)] = data_format
        if (
            op.name not in among
            or op.type in _COPIES
            or not op.outputs
            or id(op.outputs[0]) not in from_input
        ):
            continue
        for position, output in enumerate(op.outputs):
            rank = output.shape.rank
            usable = output.dtype.is_floating and rank is not None and 3 <= rank <= 5
            if usable and not _lacks_bias(output, from_input):
                chosen.append((plain_name(op.name) + (f":{position}" if position else ""), output))
                break
    count, seen = Counter(path for path, _ in chosen), Counter[str]()
    records = []
    for path, output in chosen:
        name = f"{path}#{seen[path]}" if count[path] > 1 else path
        seen[path] += 1
        data_format = formats[id(output)] or "channels_last"
        records.append(Recorded(name, path, output.op.type, (output,), data_format, ""))
    return records


def in_depth_order(inputs: list[Any], records: list[Recorded]) -> tuple[Recorded, ...]:
    """Return records in the order they are computed: by the longest way from the inputs, then by name."""
    depth = {id(tensor): 0 for tensor in inputs}
    for op in inputs[0].graph.get_operations():
        ahead = [depth[id(tensor)] for tensor in op.inputs if id(tensor) in depth]
        if ahead:
            depth.update((id(output), 1 + max(ahead)) for output in op.outputs)

    def place(record: Recorded) -> tuple[int, list[tuple[int, str]]]:
        parts = [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", record.path)]
        return depth.get(id(record.tensors[0]), 0), parts

    return tuple(sorted(records, key=place))


def takes_channels_first(tensor: Any) -> bool:
    """Return whether an input is (N, K, *space): what the first operation that says so takes it as."""
    orders: dict[int, bool] = {id(tensor): False}  # whether it was moved to the other order on the way
    for op in tensor.graph.get_operations():
        ahead = [orders[id(one)] for one in op.inputs if id(one) in orders]
        if not ahead:
            continue
        given = _given(op)
        if given:
            return (given == "channels_first") != ahead[0]
        moved = _moved(op)
        orders.update((id(output), ahead[0] != bool(moved)) for output in op.outputs)
    return False


def _lacks_bias(tensor: Any, from_input: dict[int, Any]) -> bool:
    """Return whether a product of weights is only ever read to add a bias to it: half of a layer's output."""
    if tensor.op.type not in _PRODUCTS:
        return False
    readers = list(tensor.consumers())
    while len(readers) == 1 and readers[0].type in ("Reshape", "Transpose", "Identity"):
        readers = list(readers[0].outputs[0].consumers())
    return bool(readers) and all(
        op.type in ("BiasAdd", "Add", "AddV2") and sum(id(one) in from_input for one in op.inputs) == 1
        for op in readers
    )


def _data_format(op: Any, formats: dict[int, str]) -> str:
    return (
        _given(op) or _moved(op) or next((formats[id(one)] for one in op.inputs if formats.get(id(one))), "")
    )


def _given(op: Any) -> str:
    if "data_format" not in op.node_def.attr or op.type == "BiasAdd":
        return ""
    name = op.get_attr("data_format").decode()
    return "channels_first" if name.startswith("NC") else "channels_last"


def _moved(op: Any) -> str:
    if op.type != "Transpose":
        return ""
    order = constant(op.inputs[1])
    order = [] if order is None else [int(axis) for axis in order]
    if len(order) < 4:
        return ""
    return "channels_first" if order in _TO_FIRST else "channels_last" if order in _TO_LAST else ""
