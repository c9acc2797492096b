"""The one graph: the forward pass, the gradient in forward operations, and the map."""

from __future__ import annotations

from typing import Any

import attrs

from visioncam_core.engine.export import INPUT, ExportPlan
from visioncam_engines.tensorflow.export.backward import slopes
from visioncam_engines.tensorflow.export.fixed import Fixed
from visioncam_engines.tensorflow.graph.functions import class_cotangent
from visioncam_engines.tensorflow.run.passes import to_grid

SLOPE, MAP = "slope/", "map/"
"""Begin the names of the operations of the gradient and of the map."""


def function_of(plan: ExportPlan) -> Any:
    """Return a function with one signature, from the inputs by name to a dict of the outputs.

    Raises:
        GradientError: an operation on the way back to the layer cannot be written in forward operations.
    """
    import tensorflow as tf

    view: Any = plan.view
    batch = 1 if view.exact else None
    specs = [
        tf.TensorSpec([batch, *shape], one.dtype, name=name)
        for shape, one, name in zip(plan.shapes, view.trace.inputs, plan.inputs, strict=True)
    ]
    if plan.target is INPUT:
        specs.append(tf.TensorSpec([batch], tf.int32, name="target"))
    probable: Any = plan.probable.score
    record = view.record(plan.choice.row)
    fetches = [*record.tensors, view.score.values, view.score.answer, probable.values]
    fixed = Fixed.of(view.trace, fetches, specs[: len(plan.inputs)])

    def body(*given: Any) -> dict[str, Any]:
        found = fixed.put(given)
        *at, values, answer, probabilities = found
        slope = None
        if plan.gradients:
            classes = given[-1] if plan.target is INPUT else tf.constant([plan.target], tf.int32)
            with tf.name_scope(SLOPE):
                cotangent = class_cotangent(attrs.evolve(view.score, values=values, answer=answer), classes)
                slope = _grid(slopes(values, at, cotangent, plan.format), view, plan)
        with tf.name_scope(MAP):
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
