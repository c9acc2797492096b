"""Finding the logit: the score before the softmax or sigmoid at the model's end."""

from __future__ import annotations

from typing import Any

import attrs

_SKIPPED = {
    "Identity",
    "IdentityN",
    "StopGradient",
    "PreventGradient",
    "ClipByValue",
    "Minimum",
    "Maximum",
    "CheckNumerics",
}
_REPLAYED = {"Cast", "Reshape", "Squeeze", "ExpandDims", "Transpose"}
_ENDS = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid"}


@attrs.frozen(eq=False)
class Logits:
    """A model output seen before its final activation.

    Attributes:
        tensor: the symbolic logits, of the output's shape.
        activation: "softmax", "log_softmax", "sigmoid", or "" when none was found (then `tensor` is
            the output itself).
    """

    tensor: Any
    activation: str


def find_logits(output: Any) -> Logits:
    """Walk back from `output` to its final activation and return what went into it.

    Shape operations met on the way are replayed on the logits.  At a concatenation every branch is
    walked, all or none.
    """
    with output.graph.as_default():
        found = _walk(output)
    return found or Logits(output, "")


def _walk(output: Any) -> Logits | None:
    import tensorflow as tf

    tensor = output
    shape_ops: list[Any] = []
    while True:
        op = tensor.op
        if op.type in _ENDS:
            return Logits(_replay(op.inputs[0], shape_ops), _ENDS[op.type])
        if op.type == "IdentityN":
            tensor = op.inputs[tensor.value_index]
        elif op.type in ("Minimum", "Maximum") and not _constant(op.inputs[1]):
            return None
        elif op.type in _SKIPPED:
            tensor = op.inputs[0]
        elif op.type in _REPLAYED:
            shape_ops.append(op)
            tensor = op.inputs[0]
        elif op.type == "ConcatV2":
            *parts, axis = op.inputs
            branches = [_walk(part) for part in parts]
            kinds = {branch.activation for branch in branches if branch is not None}
            if None in branches or len(kinds) != 1:
                return None
            joined = tf.concat([branch.tensor for branch in branches if branch is not None], axis)
            return Logits(_replay(joined, shape_ops), kinds.pop())
        else:
            return None


def _constant(tensor: Any) -> bool:
    while tensor.op.type in ("Cast", "Identity"):
        tensor = tensor.op.inputs[0]
    return bool(tensor.op.type == "Const")


def _replay(tensor: Any, shape_ops: list[Any]) -> Any:
    """Apply the shape operations, last met first, to the logits."""
    import tensorflow as tf

    for op in reversed(shape_ops):
        if op.type == "Cast":
            tensor = tf.cast(tensor, op.outputs[0].dtype)
        elif op.type == "Reshape":
            tensor = tf.reshape(tensor, op.inputs[1])
        elif op.type == "Transpose":
            tensor = tf.transpose(tensor, op.inputs[1])
        elif op.type == "ExpandDims":
            tensor = tf.expand_dims(tensor, op.inputs[1])
        else:
            tensor = tf.squeeze(tensor, axis=list(op.get_attr("squeeze_dims")) or None)
        tensor.set_shape(op.outputs[0].shape)
    return tensor
