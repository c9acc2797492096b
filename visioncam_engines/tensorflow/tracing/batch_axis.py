"""Whether a tensor's first axis is the batch, read off the graph.

Windows, heads and the flattened positions of a dense layer are folded into the
first axis and unfolded again.  Counting the values a picture has in a tensor,
which no reshape changes, tells how many rows are a picture's: one row means
that the first axis is the batch itself, more that something is folded into it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from visioncam_engines.tensorflow.graph.graph import OF_SHAPE, constant

_KEEPS_ROWS = {
    *("Add", "AddV2", "BiasAdd", "Sub", "Mul", "RealDiv", "Neg", "Square", "SquaredDifference"),
    *("Cast", "Identity", "StopGradient", "MatMul", "BatchMatMulV2", "Rsqrt", "Sqrt", "Exp", "Maximum"),
    *("Relu", "Elu", "Erf", "Erfc", "Sigmoid", "Tanh", "Softplus", "Softmax", "LeakyRelu", "Relu6"),
}
_REDUCES = {"Mean", "Sum", "Max"}


def rows_per_picture(graph: Any, inputs: list[Any]) -> dict[int, Fraction | None]:
    """Return id -> rows a picture for every tensor computed from the inputs, whose first axis is the batch.

    None where it cannot be told.  A tensor that is not computed from them (a weight, a shape) is left out.
    """
    found: dict[int, Fraction | None] = {id(tensor): Fraction(1) for tensor in inputs}
    values: dict[int, int | Fraction | None] = {id(tensor): _row(tensor) for tensor in inputs}
    for op in graph.get_operations():
        taken = [tensor for tensor in op.inputs if id(tensor) in found]
        if not taken or op.type in OF_SHAPE:
            continue
        if op.type == "Reshape":
            rows, total = None, values.get(id(op.inputs[0]))
        else:
            ahead = {_rows_into(op, tensor, found, values) for tensor in taken}
            rows, total = (None, None) if len(ahead) > 1 else (_kept(op, ahead.pop()), None)
        for output in op.outputs:
            row = _row(output)
            if op.type == "Reshape":
                found[id(output)] = Fraction(total) / row if total and row else None
                values[id(output)] = total
            else:
                found[id(output)] = rows
                values[id(output)] = rows * row if rows and row else None
    return found


def _row(tensor: Any) -> int | None:
    """Return how many values one row of a tensor has, or None where an axis is open."""
    return tensor.shape[1:].num_elements() if tensor.shape.rank else None


def _rows_into(op: Any, tensor: Any, found: dict[int, Any], values: dict[int, Any]) -> Fraction | None:
    """Return the rows a picture of an input; those into a matrix product also where its shape is lost."""
    rows, total = found[id(tensor)], values[id(tensor)]
    if rows is None and total and op.type == "MatMul" and tensor is op.inputs[0]:
        length = op.inputs[1].shape[1 if op.get_attr("transpose_b") else 0]
        return Fraction(total, length) if length and not op.get_attr("transpose_a") else None
    return rows


def _kept(op: Any, rows: Fraction | None) -> Fraction | None:
    """Return the rows a picture of an operation's outputs, given those of its inputs."""
    if rows is None:
        return None
    if op.type == "Transpose":
        order = constant(op.inputs[1])
        return rows if order is not None and int(order[0]) == 0 else None
    if rows == 1 or op.type in _KEEPS_ROWS:
        return rows
    if op.type == "Einsum":
        first = {
            labels.strip()[:1] for labels in op.get_attr("equation").decode().replace("->", ",").split(",")
        }
        return rows if len(first) == 1 else None
    if op.type in _REDUCES:
        axes = constant(op.inputs[1])
        rank = op.inputs[0].shape.rank
        inner = axes is not None and rank and all(int(axis) % rank for axis in axes.reshape(-1))
        return rows if inner else None
    return None
