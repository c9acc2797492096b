"""Follow the picture through a traced graph, from its input to every tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.space import BATCH, Axis, Run, Space, merged, own, unknown, without
from visioncam_engines.tensorflow.graph.graph import OF_SHAPE, ancestors
from visioncam_engines.tensorflow.space.shapes import before_product, numbers

Centres = Callable[[str], np.ndarray | None]
"""Name of an operation -> the tap that its kernel looks at, an axis each; None: the middle."""
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
        closed: name of a tensor -> its shape for one picture, where more is open than the batch.
        always: whether it leaves axes of the picture open, so that every shape is taken from there.
        centres: where kernels look.
        spaces: id of a tensor -> its space; tensors that do not depend on the picture are left out.
        outer: id of what a branch is given -> the tensor outside that it is.
        held: graphs inside operations that were walked through.
        values: id of a tensor -> the numbers that it is for this size, None where the batch decides.
    """

    closed: Callable[[], Mapping[str, tuple[int, ...]]]
    always: bool
    centres: Centres
    spaces: dict[int, Space] = attrs.field(factory=dict)
    outer: dict[int, Any] = attrs.field(factory=dict)
    values: dict[int, Any] = attrs.field(factory=dict)
    held: list[Any] = attrs.field(factory=list)

    def of(self, tensor: Any) -> Space | None:
        return self.spaces.get(id(tensor))

    def shape(self, tensor: Any) -> tuple[int | None, ...] | None:
        """Return the lengths of a tensor's axes, None for one that depends on the batch."""
        shape = None if tensor.shape.rank is None else tuple(tensor.shape)
        if shape == (None, None) and not self.always:
            shape = before_product(tensor) or shape
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
    centres: Centres = lambda name: None,
) -> dict[int, Space]:
    """Return id -> space for everything on the way to `tensors` that depends on a picture.

    Args:
        tensors: where to go.
        pictures: inputs, each with its space.
        closed: see `Walk`.
        always: see `Walk`.
        centres: where kernels look; their middle by default.
    """
    walk = Walk(closed, always, centres, {id(tensor): space for tensor, space in pictures})
    walked(walk, tensors)
    return walk.spaces


def walked(walk: Walk, tensors: list[Any]) -> None:
    """Put the spaces of everything on the way to `tensors` into the walk."""
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


@rule(
    *("Identity", "Cast", "StopGradient", "PreventGradient", "CheckNumerics", "EnsureShape", "Snapshot"),
    *("AdjustContrast", "AdjustContrastv2", "AdjustHue", "AdjustSaturation", "RGBToHSV", "HSVToRGB"),
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
    *("Floor", "Ceil", "Round", "Rint", "Sin", "Cos", "Tan", "Sinh", "Cosh", "Asin", "Acos", "Atan"),
    *("Mod", "Real", "Imag", "Complex", "ComplexAbs", "Conj", "Angle", "Erfinv"),
    *("LogicalNot", "IsNan", "IsInf", "IsFinite", "ZerosLike", "OnesLike", "Invert", "Lgamma", "Digamma"),
    *("Softmax", "LogSoftmax", "LRN", "Cumsum", "Cumprod", "CumulativeLogsumexp", "ClipByValue"),
    *("Add", "AddV2", "AddN", "Sub", "Mul", "MulNoNan", "Div", "DivNoNan", "RealDiv", "FloorDiv", "FloorMod"),
    *("Maximum", "Minimum", "Pow", "SquaredDifference", "BiasAdd", "Atan2", "Xdivy", "Xlogy", "TruncateDiv"),
    *("Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual", "LogicalAnd", "LogicalOr"),
    *("Select", "SelectV2", "Where3", "Betainc", "Igamma", "Igammac", "NextAfter"),
    *("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs", "FakeQuantWithMinMaxVarsPerChannel"),
    *("QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3", "QuantizeAndDequantizeV4"),
    *("BitwiseAnd", "BitwiseOr", "BitwiseXor", "LeftShift", "RightShift"),
)
def _elementwise(walk: Walk, op: Any) -> Space:
    spaces = walk.placed(op)
    return merged(spaces, walk.sizes(op.outputs[0], spaces))


@rule("OneHot")
def _one_hot(walk: Walk, op: Any) -> Space | None:
    space, size = walk.of(op.inputs[0]), (walk.shape(op.outputs[0]) or ())[-1]
    if space is None or op.get_attr("axis") != -1:
        return space
    return Space((*space.axes, own(size or 1)), space.start, space.apart)


@rule("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx")
def _normalised(walk: Walk, op: Any) -> list[Space | None]:
    return [walk.of(op.inputs[0])]


@rule("Mean", "Sum", "Max", "Min", "Prod", "Any", "All", "EuclideanNorm", "ArgMax", "ArgMin")
def _reduced(walk: Walk, op: Any) -> Space:
    space = walk.placed(op)[0]
    axes = [axis % len(space.axes) for axis in numbers(walk, op.inputs[1])]
    keep = "keep_dims" in op.node_def.attr and op.get_attr("keep_dims")
    return without(space, axes, keep)


@rule(
    *("FFT", "FFT2D", "FFT3D", "RFFT", "RFFT2D", "IFFT", "IFFT2D", "IRFFT", "IRFFT2D"),
    *("TopK", "TopKV2", "Unique"),
)
def _own_positions(walk: Walk, op: Any) -> list[Space | None]:
    """Return the space of outputs whose positions are none of the picture's, behind the batch."""
    found: list[Space | None] = []
    for tensor in op.outputs:
        shape = walk.shape(tensor) or ()
        batch = (Axis((Run(BATCH, 1),)),) if shape else ()
        found.append(Space((*batch, *(own(n or 1) for n in shape[1:])), walk.start(op)))
    return found
