"""The one graph: the forward pass, the gradient in forward operations, and the map."""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.engine.export import ASKED, ExportPlan
from visioncam_core.errors import ModelError
from visioncam_engines.tensorflow.export.backward import slopes
from visioncam_engines.tensorflow.graph.extract import between, copied
from visioncam_engines.tensorflow.graph.functions import class_cotangent
from visioncam_engines.tensorflow.run.passes import to_grid

ONE_PICTURE = "the model can only be run on one picture at a time"


def function_of(plan: ExportPlan) -> Any:
    """Return a function with one signature, from the inputs by name to a dict of the outputs.

    Raises:
        ModelError: the score has a value at every position.
        GradientError: an operation on the way back to the layer cannot be written in forward operations.
    """
    import tensorflow as tf

    view: Any = plan.view
    if len(view.score.shape) > 2:
        raise ModelError(
            f"the output {view.score.output!r} has a value at every position; a file explains one class of a "
            "picture: end the model with a mean over the positions"
        )
    batch = 1 if view.exact else None
    specs = [
        tf.TensorSpec([batch, *shape], one.dtype, name=name)
        for shape, one, name in zip(plan.shapes, view.trace.inputs, plan.inputs, strict=True)
    ]
    if plan.target is ASKED:
        specs.append(tf.TensorSpec([batch], tf.int32, name="target"))
    fetches = [
        *view.record(plan.choice.row).tensors, view.score.values, view.score.answer, plan.probable.score.values,
    ]  # fmt: skip
    nodes, read = _frozen(view.trace, fetches)

    def body(*given: Any) -> dict[str, Any]:
        inputs = {one.name: x for one, x in zip(view.trace.inputs, given, strict=False) if one.name in read}
        found = tf.graph_util.import_graph_def(nodes, inputs, [one.name for one in fetches], name="model")
        *at, values, answer, probabilities = found
        slope = None
        if plan.gradients:
            classes = given[-1] if plan.target is ASKED else tf.constant([plan.target], tf.int32)
            cotangent = class_cotangent(attrs.evolve(view.score, values=values, answer=answer), classes)
            slope = _grid(slopes(values, at, cotangent, plan.format), view, plan)
        made = plan.draw(_grid(at, view, plan), slope)
        made |= {"probabilities": probabilities, "logits": values}
        return {name: tf.identity(made[name], name=name) for name in plan.outputs}

    return tf.function(body, input_signature=specs, autograph=False)


def _grid(tensors: list[Any], view: Any, plan: ExportPlan) -> Any:
    import tensorflow as tf

    layout = plan.choice.row.layout
    assert layout is not None
    value = tensors[0] if len(tensors) == 1 else tf.stack(tensors, axis=1)
    return tf.cast(to_grid(value, layout), tf.float32)


def _frozen(trace: Any, fetches: list[Any]) -> tuple[Any, list[str]]:
    """Return what computes `fetches` with its variables as constants, and the names of the inputs it reads.

    Raises:
        ModelError: a variable is used other than by reading all of it.
    """
    import tensorflow as tf

    captured = {inside.op.name: trace.replaced.get(id(held), held) for held, inside in trace.graph.captures}
    inputs = {one.name for one in trace.inputs}
    operations, used = between(fetches, {*inputs, *(f"{name}:0" for name in captured)})
    nodes = copied(trace.graph, operations)
    types: dict[str, int] = {}
    for node in nodes.node:
        read = [one for one in node.input if one.lstrip("^").split(":")[0] in captured]
        if read and node.op == "ReadVariableOp":
            types[read[0]] = node.attr["dtype"].type
            node.op = "Identity"
            node.attr["T"].CopyFrom(node.attr.pop("dtype"))
        elif any(captured[one].dtype == tf.resource for one in read):
            raise ModelError(
                f"the operation {node.name!r} ({node.op}) uses a variable in a way that no file holds"
            )
    for name, held in captured.items():
        if f"{name}:0" in used:
            with tf.init_scope():
                read = tf.raw_ops.ReadVariableOp(resource=held, dtype=types[name]) if name in types else held
                value = tf.make_tensor_proto(read.numpy())
            constant = nodes.node.add(name=name, op="Const")
            constant.attr["dtype"].type = value.dtype
            constant.attr["value"].tensor.CopyFrom(value)
    return nodes, sorted(used & inputs)
