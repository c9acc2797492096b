"""The gradients of operations on single values, of sums, and of products of matrices.

A rule takes an operation and the gradient in its output (a list of them where it has several) and returns one
for each input, None where there is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from visioncam_core.errors import GradientError

Rule = Callable[[Any, Any], list[Any]]
RULES: dict[str, Rule] = {}
SEVERAL = ("Unpack", "Split", "SplitV", "IdentityN")
"""Types of operations with several outputs."""


def rule(*types: str) -> Callable[[Rule], Rule]:
    """Return what adds a function to `RULES`, for these types of operations."""

    def add(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return add


def shape_of(tensor: Any) -> list[int]:
    """Return a tensor's shape, -1 for the batch.

    Raises:
        GradientError: another axis is open.
    """
    shape = tensor.shape
    if shape.rank is None or any(n is None for n in shape[1:]):
        raise GradientError(
            f"the size of {tensor.op.name!r} ({tensor.op.type}), {shape}, follows from the picture's values, "
            "and a gradient needs it fixed"
        )
    return [-1 if n is None else int(n) for n in shape]


def fit(slope: Any, tensor: Any) -> Any:
    """Return a gradient summed over the axes along which a tensor was repeated to meet another."""
    import tensorflow as tf

    have, want = shape_of(slope), shape_of(tensor)
    if have == want:
        return slope
    lead = len(have) - len(want)
    axes = [*range(lead), *(lead + i for i, n in enumerate(want) if n == 1 != have[lead + i])]
    return tf.reshape(tf.reduce_sum(slope, axes), want)


def _each(*types: str) -> Callable[[Callable[[Any, Any, Any, Any], Any]], None]:
    """Return what adds the rule of operations with one input: (operation, x, y, gradient) -> gradient."""

    def add(function: Callable[[Any, Any, Any, Any], Any]) -> None:
        rule(*types)(
            lambda op, dy: [function(op, op.inputs[0], op.outputs[0], dy)] + [None] * (len(op.inputs) - 1)
        )

    return add


@_each("Identity", "CheckNumerics", "Snapshot")
def _same(op: Any, x: Any, y: Any, dy: Any) -> Any:
    return dy


@rule("IdentityN")
def _copied(op: Any, dy: list[Any]) -> list[Any]:
    """A gradient of the user's own ends here, as that of `silu` does: the automatic one goes on."""
    return dy


@_each("Cast")
def _cast(op: Any, x: Any, y: Any, dy: Any) -> Any:
    import tensorflow as tf

    return tf.cast(dy, x.dtype) if x.dtype.is_floating else None


@_each("Relu", "Relu6", "LeakyRelu", "Elu", "Selu")
def _rectified(op: Any, x: Any, y: Any, dy: Any) -> Any:
    import tensorflow as tf

    if op.type == "Relu6":
        return tf.where((y > 0) & (y < 6), dy, tf.zeros([], dy.dtype))
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    if op.type == "LeakyRelu":
        below = dy * op.get_attr("alpha")
    elif op.type in ("Elu", "Selu"):
        below = dy * (y + 1 if op.type == "Elu" else y + scale * alpha)
    else:
        below = tf.zeros([], dy.dtype)
    return tf.where(x > 0, dy * scale if op.type == "Selu" else dy, below)


def _exp(x: Any) -> Any:
    import tensorflow as tf

    return tf.exp(x)


def _sign(x: Any) -> Any:
    import tensorflow as tf

    return tf.sign(x)


_FACTORS: dict[str, Callable[[Any, Any], Any]] = {
    "Sigmoid": lambda x, y: y * (1 - y),
    "Tanh": lambda x, y: 1 - y * y,
    "Softplus": lambda x, y: 1 / (1 + _exp(-x)),
    "Exp": lambda x, y: y,
    "Expm1": lambda x, y: y + 1,
    "Log": lambda x, y: 1 / x,
    "Log1p": lambda x, y: 1 / (1 + x),
    "Erf": lambda x, y: 2 / math.sqrt(math.pi) * _exp(-x * x),
    "Erfc": lambda x, y: -2 / math.sqrt(math.pi) * _exp(-x * x),
    "Sqrt": lambda x, y: 0.5 / y,
    "Rsqrt": lambda x, y: -0.5 * y * y * y,
    "Square": lambda x, y: 2 * x,
    "Neg": lambda x, y: -1.0,
    "Abs": lambda x, y: _sign(x),
    "Reciprocal": lambda x, y: -y * y,
    "Inv": lambda x, y: -y * y,
}
"""Type of an operation -> its slope, from its input and its output."""


@_each(*_FACTORS)
def _smooth(op: Any, x: Any, y: Any, dy: Any) -> Any:
    return dy * _FACTORS[op.type](x, y)


@_each("Softmax")
def _softmax(op: Any, x: Any, y: Any, dy: Any) -> Any:
    import tensorflow as tf

    return (dy - tf.reduce_sum(dy * y, -1, keepdims=True)) * y


@_each("LogSoftmax")
def _log_softmax(op: Any, x: Any, y: Any, dy: Any) -> Any:
    import tensorflow as tf

    return dy - tf.exp(y) * tf.reduce_sum(dy, -1, keepdims=True)


@rule("Add", "AddV2", "BiasAdd", "Sub", "AddN")
def _sums(op: Any, dy: Any) -> list[Any]:
    if op.type == "BiasAdd":
        return [dy, None]
    signs = [1, -1] if op.type == "Sub" else [1] * len(op.inputs)
    return [fit(dy if sign > 0 else -dy, one) for sign, one in zip(signs, op.inputs, strict=True)]


@rule("Mul")
def _product(op: Any, dy: Any) -> list[Any]:
    a, b = op.inputs
    return [fit(dy * b, a), fit(dy * a, b)]


@rule("RealDiv", "Div", "DivNoNan")
def _quotient(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    a, b = op.inputs
    share = tf.math.divide_no_nan(dy, b) if op.type == "DivNoNan" else dy / b
    return [fit(share, a), fit(-share * op.outputs[0], b)]


@rule("SquaredDifference")
def _squared(op: Any, dy: Any) -> list[Any]:
    a, b = op.inputs
    slope = 2 * dy * (a - b)
    return [fit(slope, a), fit(-slope, b)]


@rule("Pow")
def _power(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    a, b = op.inputs
    if tf.get_static_value(b) is None:
        raise GradientError(f"the power {op.name!r} (Pow) has an exponent that is computed: it has no rule")
    return [fit(dy * b * tf.pow(a, b - 1), a), None]


@rule("Maximum", "Minimum")
def _larger(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    a, b = op.inputs
    first = a >= b if op.type == "Maximum" else a <= b
    none = tf.zeros([], dy.dtype)
    return [fit(tf.where(first, dy, none), a), fit(tf.where(first, none, dy), b)]


@rule("SelectV2", "Select")
def _chosen(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    which, a, b = op.inputs
    none = tf.zeros([], dy.dtype)
    return [None, fit(tf.where(which, dy, none), a), fit(tf.where(which, none, dy), b)]


@rule("MatMul", "BatchMatMulV2", "BatchMatMul", "BatchMatMulV3")
def _matmul(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    a, b = op.inputs
    if op.type == "MatMul":
        turn_a, turn_b = op.get_attr("transpose_a"), op.get_attr("transpose_b")
    else:
        turn_a, turn_b = op.get_attr("adj_x"), op.get_attr("adj_y")
    in_a = (
        tf.matmul(b, dy, transpose_a=turn_b, transpose_b=True)
        if turn_a
        else tf.matmul(dy, b, transpose_b=not turn_b)
    )
    in_b = (
        tf.matmul(dy, a, transpose_a=True, transpose_b=turn_a)
        if turn_b
        else tf.matmul(a, dy, transpose_a=not turn_a)
    )
    return [fit(in_a, a), fit(in_b, b)]


@rule("Einsum")
def _einsum(op: Any, dy: Any) -> list[Any]:
    import tensorflow as tf

    terms, result = op.get_attr("equation").decode().split("->")
    names = terms.split(",")
    if "." in terms or len(names) != 2 or any(len(set(one)) != len(one) for one in names):
        raise GradientError(f"the product {op.name!r} (Einsum {terms}->{result}) has no rule")
    found = []
    for mine, other, tensor in zip(names, names[::-1], reversed(op.inputs), strict=True):
        if set(mine) - set(result) - set(other):
            raise GradientError(f"the product {op.name!r} (Einsum {terms}->{result}) has no rule")
        found.append(tf.einsum(f"{result},{other}->{mine}", dy, tensor))
    return found
