"""Numbers and shapes in a graph that do not depend on what the pictures show."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_engines.tensorflow.graph.graph import OF_SHAPE, constant


def before_product(tensor: Any) -> tuple[int | None, ...] | None:
    """Return the shape of positions flattened for a product with weights, which tell the length."""
    for op in tensor.consumers():
        if op.type == "MatMul" and tensor is op.inputs[0] and not op.get_attr("transpose_a"):
            return (None, op.inputs[1].shape[1 if op.get_attr("transpose_b") else 0])
    return None


def numbers(tensor: Any) -> list[int]:
    """Return whole numbers that depend on nothing but shapes; raises where they do."""
    value = constant(tensor)
    value = _evaluated(tensor) if value is None else value
    return [int(n) for n in np.ravel(value)]


def _evaluated(tensor: Any) -> Any:
    """Run the few operations that a number is made by; of other tensors only the number of axes is known."""
    import tensorflow as tf

    op = tensor.op
    known = constant(tensor)
    if known is not None:
        return known
    if op.type == "Rank":
        return np.int32(op.inputs[0].shape.rank)
    if op.type in OF_SHAPE or not op.inputs:
        raise ValueError(f"{tensor.name} is computed")
    values = [_evaluated(one) for one in op.inputs]
    arguments: dict[str, Any] = {}
    for one in op.op_def.input_arg:
        count = op.get_attr(one.number_attr) if one.number_attr else 1
        arguments[one.name] = values[:count] if one.number_attr else values[0]
        del values[:count]
    flags = {a.name: op.get_attr(a.name) for a in op.op_def.attr if a.type in ("int", "bool")}
    given = {name: value for name, value in flags.items() if name not in ("N",)}
    with tf.init_scope():
        result = getattr(tf.raw_ops, op.type)(**arguments, **given)
    return np.asarray(result[tensor.value_index] if isinstance(result, list | tuple) else result)


def closed_shapes(graph: Any, inputs: list[Any], sizes: list[tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of every tensor for inputs of these sizes, as TensorFlow infers it."""
    import tensorflow as tf

    with tf.Graph().as_default() as twin:
        feeds = {
            tensor.name: tf.compat.v1.placeholder(tensor.dtype, (1, *size))
            for tensor, size in zip(inputs, sizes, strict=True)
        }
        for op in graph.get_operations():
            if op.type == "ReadVariableOp":  # its shape does not come along with a graph
                read = op.outputs[0]
                feeds[read.name] = tf.compat.v1.placeholder(read.dtype, read.shape)
        tf.graph_util.import_graph_def(graph.as_graph_def(), input_map=feeds, name="")
    return {
        output.name: tuple(output.shape)
        for op in twin.get_operations()
        for output in op.outputs
        if output.shape.rank is not None
    }


def body(op: Any) -> Any:
    """Return the graph of the function that an operation calls; None where TensorFlow does not keep it."""
    return getattr(op.graph._get_function(op.get_attr("f").name), "graph", None)
