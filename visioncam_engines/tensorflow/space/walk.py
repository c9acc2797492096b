"""Follow the picture through a traced graph, from its input to every tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.space import Axis, Run, Space, merged, own, unknown
from visioncam_engines.tensorflow.graph.graph import OF_SHAPE, ancestors, constant

Centres = Callable[[Any, int], np.ndarray | None]
"""(operation, number of sliding axes) -> the tap that its kernel looks at, an axis each; None: the middle."""
Rule = Callable[["Walk", Any], Space | list[Space | None] | None]

RULES: dict[str, Rule] = {}
"""What an operation of each type makes of positions; of others nothing is known."""


def rule(*types: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(types, function))
        return function

    return register


@attrs.frozen(eq=False)
class Walk:
    """A walk through one graph.

    Attributes:
        closed: name of a tensor -> its shape for one picture, where the graph leaves more open than the batch.
        always: whether it leaves axes of the picture open, so that every shape is taken from there.
        centres: where kernels look.
        spaces: id of a tensor -> its space; tensors that do not depend on the picture are left out.
    """

    closed: Callable[[], Mapping[str, tuple[int, ...]]]
    always: bool
    centres: Centres
    spaces: dict[int, Space] = attrs.field(factory=dict)

    def of(self, tensor: Any) -> Space | None:
        return self.spaces.get(id(tensor))

    def shape(self, tensor: Any) -> tuple[int | None, ...] | None:
        """Return the lengths of a tensor's axes, None for one that depends on the batch."""
        shape = None if tensor.shape.rank is None else tuple(tensor.shape)
        if shape == (None, None) and not self.always:
            shape = _before_product(tensor) or shape
        if self.always or shape is None or shape.count(None) > 1:
            return self.closed().get(tensor.name, shape)
        return shape

    def sizes(self, tensor: Any, like: list[Space]) -> tuple[int, ...]:
        """Return the lengths of an operation's output; open ones are those of its inputs."""
        shape = self.shape(tensor) or ()
        back = [[space.sizes[-i] for space in like if len(space.axes) >= i] for i in range(len(shape), 0, -1)]
        return tuple(max(have, default=1) if n is None else n for n, have in zip(shape, back, strict=True))

    def placed(self, op: Any) -> list[Space]:
        """Return the spaces of those inputs of an operation that depend on the picture."""
        return [space for tensor in op.inputs if (space := self.of(tensor)) is not None]

    def start(self, op: Any) -> tuple[float, ...]:
        return self.placed(op)[0].start

    def unknown(self, op: Any) -> list[Space | None]:
        """Return what is known of outputs that may lie anywhere."""
        start = self.start(op)
        return [unknown([n or 1 for n in self.shape(one) or ()], start) for one in op.outputs]


def follow(
    tensors: list[Any],
    pictures: list[tuple[Any, Space]],
    closed: Callable[[], Mapping[str, tuple[int, ...]]],
    always: bool = False,
    centres: Centres = lambda op, axes: None,
) -> dict[int, Space]:
    """Return id -> space for everything on the way to `tensors` that depends on a picture.

    Args:
        tensors: where to go.
        pictures: inputs, each with its space.
        closed, always: see `Walk`.
        centres: where kernels look; their middle by default.
    """
    walk = Walk(closed, always, centres, {id(tensor): space for tensor, space in pictures})
    for op in _in_order(tensors):
        if op.type in OF_SHAPE or op.type == "Placeholder" or not walk.placed(op):
            continue
        try:
            found = RULES[op.type](walk, op) if op.type in RULES else walk.unknown(op)
        except (ValueError, IndexError, TypeError, ZeroDivisionError, AttributeError, StopIteration):
            found = walk.unknown(op)  # an axis left open where the rule needs its length
        if isinstance(found, Space):
            found = [found]
        for tensor, space in zip(op.outputs, found or (), strict=False):
            if space is not None:
                walk.spaces[id(tensor)] = _checked(walk, tensor, space)
    return walk.spaces


def _before_product(tensor: Any) -> tuple[int | None, ...] | None:
    """Return the shape of positions flattened for a product with weights, whose length is that of the weights."""
    for op in tensor.consumers():
        if op.type == "MatMul" and tensor is op.inputs[0] and not op.get_attr("transpose_a"):
            return (None, op.inputs[1].shape[1 if op.get_attr("transpose_b") else 0])
    return None


def _checked(walk: Walk, tensor: Any, space: Space) -> Space:
    """Return a space if it has the shape of its tensor; else nothing is known."""
    shape = walk.shape(tensor)
    if tensor.dtype.name == "variant" or shape is None:
        return space
    sizes = space.sizes
    if len(sizes) == len(shape) and all(n in (None, have) for n, have in zip(shape, sizes, strict=True)):
        return space
    return unknown([n or 1 for n in shape], space.start)


def _in_order(tensors: list[Any]) -> list[Any]:
    """Return the operations that tensors are computed from, each behind those it takes from."""
    among = ancestors(tensors)
    found: list[Any] = []
    done: set[int] = set()
    for first in among.values():
        waiting = [first]
        while waiting:
            op = waiting[-1]
            if id(op) in done:
                waiting.pop()
                continue
            ahead = [t.op for t in op.inputs if id(t.op) in among and id(t.op) not in done]
            if ahead and op.type not in OF_SHAPE:
                waiting.extend(ahead)
            else:
                done.add(id(op))
                found.append(op)
                waiting.pop()
    return found


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


@rule(
    "Identity",
    "Cast",
    "StopGradient",
    "PreventGradient",
    "CheckNumerics",
    "EnsureShape",
    "Snapshot",
    "Bitcast",
)
def _copied(walk: Walk, op: Any) -> Space | None:
    return walk.of(op.inputs[0])


@rule("IdentityN")
def _copies(walk: Walk, op: Any) -> list[Space | None]:
    return [walk.of(one) for one in op.inputs]


@rule(
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Softplus", "Softsign", "Sigmoid", "Tanh", "Erf", "Erfc"),
    *("Exp", "Expm1", "Log", "Log1p", "Sqrt", "Rsqrt", "Square", "Neg", "Abs", "Sign", "Reciprocal", "Inv"),
    *(
        "Floor",
        "Ceil",
        "Round",
        "Rint",
        "Sin",
        "Cos",
        "Tan",
        "Sinh",
        "Cosh",
        "Asin",
        "Acos",
        "Atan",
        "Erfinv",
    ),
    *("LogicalNot", "IsNan", "IsInf", "IsFinite", "ZerosLike", "OnesLike", "Invert", "Lgamma", "Digamma"),
    *("Softmax", "LogSoftmax", "LRN", "Cumsum", "Cumprod", "CumulativeLogsumexp", "ClipByValue"),
    *("Add", "AddV2", "AddN", "Sub", "Mul", "MulNoNan", "Div", "DivNoNan", "RealDiv", "FloorDiv", "FloorMod"),
    *("Maximum", "Minimum", "Pow", "SquaredDifference", "BiasAdd", "Atan2", "Xdivy", "Xlogy", "TruncateDiv"),
    *("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr"),
    *(
        "Select",
        "SelectV2",
        "Where3",
        "FakeQuantWithMinMaxVars",
        "FakeQuantWithMinMaxArgs",
        "QuantizeAndDequantizeV2",
    ),
    *(
        "FakeQuantWithMinMaxVarsPerChannel",
        "QuantizeAndDequantizeV3",
        "QuantizeAndDequantizeV4",
        "Mod",
        "Real",
    ),
    *("Complex", "Imag", "ComplexAbs", "Conj", "Angle", "Betainc", "Igamma", "Igammac", "NextAfter"),
)
def _elementwise(walk: Walk, op: Any) -> Space:
    spaces = walk.placed(op)
    return merged(spaces, walk.sizes(op.outputs[0], spaces))


@rule("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx")
def _normalised(walk: Walk, op: Any) -> list[Space | None]:
    return [walk.of(op.inputs[0])]


@rule("Mean", "Sum", "Max", "Min", "Prod", "Any", "All", "EuclideanNorm", "ArgMax", "ArgMin")
def _reduced(walk: Walk, op: Any) -> Space:
    from visioncam_core.engine.space import without

    space = walk.placed(op)[0]
    axes = [axis % len(space.axes) for axis in numbers(op.inputs[1])]
    keep = "keep_dims" in op.node_def.attr and op.get_attr("keep_dims")
    return without(space, axes, keep)


def positions_of_its_own(walk: Walk, op: Any) -> list[Space | None]:
    """Return the space of outputs whose positions are none of the picture's; the first axis stays the batch."""
    found: list[Space | None] = []
    for tensor in op.outputs:
        shape = walk.shape(tensor) or ()
        batch = (Axis((Run(-1, 1),)),) if shape else ()
        found.append(Space((*batch, *(own(n or 1) for n in shape[1:])), walk.start(op)))
    return found


rule(
    "FFT",
    "FFT2D",
    "FFT3D",
    "RFFT",
    "RFFT2D",
    "IFFT",
    "IFFT2D",
    "IRFFT",
    "IRFFT2D",
    "TopK",
    "TopKV2",
    "Unique",
)(positions_of_its_own)
