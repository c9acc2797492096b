"""Numbers and shapes in a graph that do not depend on what the pictures show."""

from __future__ import annotations

from typing import Any

import numpy as np

from visioncam_engines.tensorflow.graph.graph import OF_SHAPE, by_argument, constant


def before_product(tensor: Any) -> tuple[int | None, ...] | None:
    """Return the shape of positions flattened for a product with weights, which tell the length."""
    for op in tensor.consumers():
        if op.type == "MatMul" and tensor is op.inputs[0] and not op.get_attr("transpose_a"):
            return (None, op.inputs[1].shape[1 if op.get_attr("transpose_b") else 0])
    return None


def numbers(walk: Any, tensor: Any) -> list[int]:
    """Return whole numbers that depend on nothing but shapes, the batch's left out; raises where they do."""
    return [int(n) for n in np.ravel(value(walk, tensor))]


def value(walk: Any, tensor: Any) -> Any:
    """Return what a tensor that depends on nothing but shapes is, for pictures of this size."""
    known = constant(tensor)
    if known is not None:
        return known
    if id(tensor) not in walk.values:
        one, two = (_evaluated(walk, tensor, batch) for batch in (1, 2))
        walk.values[id(tensor)] = one if np.array_equal(one, two) else None
    if walk.values[id(tensor)] is None:
        raise ValueError(f"{tensor.name} depends on the batch")
    return walk.values[id(tensor)]


def _evaluated(walk: Any, tensor: Any, batch: int) -> Any:
    """Run the few operations that a number is made by, for a batch of so many pictures."""
    import tensorflow as tf

    known = constant(tensor)
    if known is not None:
        return known
    if id(tensor) in walk.outer:
        return _evaluated(walk, walk.outer[id(tensor)], batch)
    op = tensor.op
    if op.type == "Rank":
        return np.int32(op.inputs[0].shape.rank)
    if op.type == "Shape":
        return np.asarray(_lengths(walk, op.inputs[0], batch), tensor.dtype.as_numpy_dtype)
    if op.type in OF_SHAPE or not op.inputs or op.op_def.is_stateful or walk.of(tensor) is not None:
        raise ValueError(f"{tensor.name} is computed")
    values = [_evaluated(walk, one, batch) for one in op.inputs]
    flags = (one for one in op.op_def.attr if one.type in ("int", "bool") and one.name != "N")
    given = {one.name: op.get_attr(one.name) for one in flags}
    if op.type == "Cast":
        given["DstT"] = op.get_attr("DstT")
    with tf.init_scope():
        result = getattr(tf.raw_ops, op.type)(**by_argument(op, values), **given)
    return np.asarray(result[tensor.value_index] if isinstance(result, list | tuple) else result)


def _lengths(walk: Any, tensor: Any, batch: int) -> list[int]:
    space, shape = walk.of(tensor), walk.shape(tensor)
    if shape is None or (space is not None and len(space.axes) != len(shape)):
        raise ValueError(f"the shape of {tensor.name} is not known")
    found = []
    for axis, size in enumerate(shape):
        if axis == 0 and tensor.shape.rank and tensor.shape[0] is None:
            found.append(batch * (1 if space is None else space.sizes[0]))
        elif size is not None:
            found.append(size)
        elif space is not None and not space.axes[axis].unknown:
            found.append(space.sizes[axis])
        else:
            raise ValueError(f"the shape of {tensor.name} is not known")
    return found


def length(walk: Any, tensor: Any, axis: int) -> int:
    """Return the length of one axis of a tensor that does not depend on the picture."""
    size = (walk.shape(tensor) or ())[axis]
    if size is None and tensor.op.type == "Fill":
        size = int(_evaluated(walk, tensor.op.inputs[0], 1)[axis])
    if size is None and tensor.op.type in ("Mul", "Add", "AddV2", "Cast", "Identity"):
        return max(length(walk, one, axis) for one in tensor.op.inputs if one.shape.rank == tensor.shape.rank)
    if size is None:
        raise ValueError(f"the shape of {tensor.name} is not known")
    return int(size)


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
