"""Operations that a format lacks, written in those that it has."""

from __future__ import annotations

from typing import Any

from visioncam_engines.tensorflow.export.fixed import PASS

_KINDS = ("Erf", "Erfc")
_POWERS = (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)
"""Abramowitz and Stegun, 7.1.26: the error function within 1.5e-7."""


def lowered(concrete: Any, form: str, every: bool = False) -> Any:
    """Return a concrete function without error functions that its format cannot have.

    ONNX has no `Erfc`.  TFLite has neither, but for a GELU that no gradient goes through, which its converter
    knows: it is left to it, unless `every` says that the converter did not.
    """
    import tensorflow as tf

    nodes = concrete.graph.as_graph_def()
    chosen = [one for one in nodes.node if one.op in _KINDS and (form == "tflite" or one.op == "Erfc")]
    if form == "savedmodel" or not chosen:
        return concrete
    backward = {part for one in nodes.node if not one.name.startswith(PASS) for part in one.input}
    chosen = [one for one in chosen if form == "onnx" or every or {one.name, one.input[0]} & backward]
    names = {one.name: _write(nodes, one, form) for one in chosen}
    for node in nodes.node:
        for i, part in enumerate(node.input):
            node.input[i] = names.get(part, part)
    outputs = dict(zip(sorted(concrete.structured_outputs), concrete.outputs, strict=True))
    inputs = [one.name for one in concrete.inputs]

    def body(*given: Any) -> dict[str, Any]:
        found = tf.graph_util.import_graph_def(
            nodes, dict(zip(inputs, given, strict=True)), [one.name for one in outputs.values()], name=""
        )
        return {name: tf.identity(one) for name, one in zip(outputs, found, strict=True)}

    specs = [tf.TensorSpec(one.shape, one.dtype, one.op.name) for one in concrete.inputs]
    return tf.function(body, input_signature=specs, autograph=False).get_concrete_function()


def _write(nodes: Any, node: Any, form: str) -> str:
    """Add what computes a node's value in other operations, and return the name of its output."""
    import tensorflow as tf

    prefix, graph = f"{node.name}/lowered", tf.Graph()
    with graph.as_default():
        x = tf.compat.v1.placeholder(node.attr["T"].type, name="x")
        error = tf.math.erf(x) if form == "onnx" else _error_function(x)
        tf.identity(1 - error if node.op == "Erfc" else error, name="y")
    for one in graph.as_graph_def().node:
        if one.op != "Placeholder":
            copy = nodes.node.add()
            copy.CopyFrom(one)
            copy.name = f"{prefix}/{one.name}"
            del copy.input[:]
            copy.input.extend(node.input[0] if part == "x" else f"{prefix}/{part}" for part in one.input)
    return f"{prefix}/y"


def _error_function(x: Any) -> Any:
    import tensorflow as tf

    size = tf.abs(x)
    t, total = 1 / (1 + 0.3275911 * size), 0.0
    for factor in _POWERS:
        total = (total + factor) * t
    return tf.sign(x) * (1 - total * tf.exp(-size * size))
