"""The gradient at a layer, written in operations that go forward, so that a runtime without training has it.

TensorFlow's own gradients end in operations such as `Relu6Grad`, which neither TFLite nor ONNX knows.  Here
the graph is walked from the score back to the layer, with a rule for each type of operation (`rules`).
"""

from __future__ import annotations

import re
from typing import Any

from visioncam_core.errors import GradientError
from visioncam_engines.tensorflow.export import convolutions as convolutions  # it adds its rules
from visioncam_engines.tensorflow.export import shapes as shapes
from visioncam_engines.tensorflow.export.rules import RULES, SEVERAL
from visioncam_engines.tensorflow.graph.graph import OF_SHAPE, descendants
from visioncam_engines.tensorflow.graph.inlining import plain_name

_BACKWARD = re.compile(r"Grad(V\d)?$|Backprop|BroadcastGradientArgs|ConcatOffset|InvertPermutation")
_BLOCKED = ("StopGradient", "PreventGradient")


def slopes(values: Any, at: list[Any], cotangent: Any, form: str) -> list[Any]:
    """Return the gradients of `values` at each of the tensors `at`.

    Args:
        values: the score's values.
        at: the layer's tensors, in the same graph.
        cotangent: gradient in the values, of their shape.
        form: the format, as in `ExportPlan`; only a SavedModel holds all of TensorFlow's operations.

    Raises:
        GradientError: no way leads to the layer, or an operation on it has no rule; it is named.
    """
    on_way = descendants(at, values=True)
    stop = {id(one) for one in at}
    found: dict[int, Any] = {id(values): cotangent}
    for op in _backwards(values, on_way, stop):
        given = [found.get(id(one)) for one in op.outputs]
        if all(one is None for one in given) or op.type in _BLOCKED:
            continue
        for tensor, slope in zip(op.inputs, _through(op, given, form), strict=True):
            if slope is not None and id(tensor) in on_way:
                had = found.get(id(tensor))
                found[id(tensor)] = slope if had is None else had + slope
    missing = [one.name for one in at if id(one) not in found]
    if missing:
        raise GradientError(
            f"the score has no gradient at {missing[0]!r}: a step between them cannot be differentiated "
            "(argmax, rounding, a stopped gradient); choose a later layer, or method='eigencam'"
        )
    return [found[id(one)] for one in at]


def _backwards(values: Any, on_way: dict[int, Any], stop: set[int]) -> list[Any]:
    """Return the operations between the layer and the score, each after all that read it."""
    order: list[Any] = []
    seen: set[int] = set()
    waiting: list[tuple[Any, bool]] = [(values, False)]
    while waiting:
        tensor, done = waiting.pop()
        op = tensor.op
        if done:
            order.append(op)
        elif id(tensor) not in stop and id(tensor) in on_way and id(op) not in seen:
            seen.add(id(op))
            waiting.append((tensor, True))
            waiting.extend((one, False) for one in op.inputs)
    return order[::-1]


def _through(op: Any, given: list[Any], form: str) -> list[Any]:
    """Return the gradients in an operation's inputs from those in its outputs, None for one without."""
    if op.type in OF_SHAPE or not op.outputs[0].dtype.is_floating:
        return [None] * len(op.inputs)
    if op.type == "MatMul" and given[0].op.type == "OneHot" and not op.get_attr("transpose_b"):
        return [_columns(given[0].op.inputs[0], op.inputs[1], form), None]
    rule = RULES.get(op.type)
    if rule is not None:
        return rule(op, given if op.type in SEVERAL else given[0])
    return _of_tensorflow(op, given, form)


def _columns(classes: Any, kernel: Any, form: str) -> Any:
    """Return the columns (N, K) of a kernel (K, C) for the class of each picture.

    A product with the transposed kernel would store it once more.  TFLite keeps it transposed anyway.
    """
    import tensorflow as tf

    if form == "tflite":
        return tf.gather(tf.transpose(kernel), classes)
    return tf.transpose(tf.gather(kernel, classes, axis=1))


def _of_tensorflow(op: Any, given: list[Any], form: str) -> list[Any]:
    """Return what TensorFlow's own gradient of one operation is."""
    import tensorflow as tf

    graph = op.graph
    before = {id(one) for one in graph.get_operations()}
    try:
        outputs = [one for one, slope in zip(op.outputs, given, strict=True) if slope is not None]
        inputs = [one for one in op.inputs if one.dtype.is_floating]
        slopes = [one for one in given if one is not None]
        found = iter(tf.gradients(outputs, inputs, slopes, stop_gradients=inputs))
    except LookupError as error:
        raise GradientError(refusal(op, "TensorFlow has no gradient for it")) from error
    made = [one for one in graph.get_operations() if id(one) not in before]
    lacking = next((one.type for one in made if _BACKWARD.search(one.type)), None)
    if form != "savedmodel" and lacking:
        raise GradientError(refusal(op, f"its gradient is {lacking}, which only TensorFlow runs"))
    return [next(found) if one.dtype.is_floating else None for one in op.inputs]


def refusal(op: Any, why: str) -> str:
    return (
        f"the operation {plain_name(op.name)!r} ({op.type}) lies between the layer and the score, and {why}"
    )
