"""Follow the picture along a tape, from an input to every value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.space import Space, merged, unknown
from visioncam_engines.torch.space.slices import painted
from visioncam_engines.torch.tape.model_trace import Trace
from visioncam_engines.torch.tape.records import Grows, Node, Ref, leaves

Centres = Mapping[int, np.ndarray]
"""Number of a step -> the tap that its kernel looks at, an axis each; the middle where there is none."""
Found = Space | Sequence[Space | None] | None
Rule = Callable[["Step"], Found]

RULES: dict[str, Rule] = {}
"""What a function of each name makes of positions; of others nothing is known."""
NO_VALUES = frozenset(
    {
        *("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like"),
        *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor", "empty_strided"),
    }
)
"""Functions that take no values from the tensor they are given."""
NOT_FOLLOWED = (ValueError, IndexError, TypeError, ZeroDivisionError, AttributeError, StopIteration, KeyError)


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def plain(name: str) -> str:
    """Return a function's name without what says that it is written in place, or is an operator's."""
    if name in RULES:
        return name
    if name.startswith("__") and name.endswith("__"):
        return _OPERATORS.get(name[2:-2], name[2:-2])
    return name[:-1] if name.endswith("_") and name[:-1] in RULES else name


_OPERATORS = {
    f"{how}{name}": name
    for name in ("add", "sub", "mul", "truediv", "floordiv", "pow", "mod", "matmul", "and", "or", "xor")
    for how in ("", "i", "r")
}


@attrs.frozen(eq=False)
class Step:
    """One step of a walk, as a rule sees it.

    Attributes:
        walk: the spaces found so far.
        number, node: the step.
        name: of its function, as rules have it.
    """

    walk: Walk
    number: int
    node: Node
    name: str

    def of(self, leaf: Any) -> Space | None:
        """Return the space of an argument; None where it does not depend on the picture."""
        return self.walk.spaces.get(leaf.index) if isinstance(leaf, Ref) else None

    def get(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument by place or by name."""
        args = self.node.args
        return args[place] if len(args) > place else self.node.kwargs.get(name, default)

    def number_of(self, place: int, name: str, default: Any = None) -> Any:
        """Return an argument that is a number or a list of them, as it is for one picture."""
        return whole(self.get(place, name, default))

    def rest(self, place: int, *names: str) -> Any:
        """Return numbers that are given one by one or as a list: `permute(0, 2, 1)`, `permute((0, 2, 1))`."""
        args = self.node.args[place:]
        if not args:
            return whole(next((self.node.kwargs[name] for name in names if name in self.node.kwargs), None))
        return whole(args[0] if isinstance(args[0], tuple | list) else args)

    @property
    def first(self) -> Space:
        """The space of the first argument; raises where it has none."""
        space = self.of(self.get(0, "input", self.node.kwargs.get("self")))
        if space is None:
            raise ValueError("another argument is the picture's")
        return space

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the first result, for one picture."""
        return self.walk.trace.shapes[self.node.results[0]]

    @property
    def placed(self) -> list[Space]:
        """The spaces of all arguments that depend on the picture."""
        return [self.walk.spaces[i] for i in self.node.refs if i in self.walk.spaces]

    def lengths(self, leaf: Any) -> tuple[int, ...]:
        """Return the lengths of an argument that is a tensor."""
        return self.walk.trace.shapes[leaf.index] if isinstance(leaf, Ref) else tuple(leaf.shape)

    def value(self, leaf: Any) -> np.ndarray:
        """Return the values of an argument that does not depend on the inputs."""
        trace = self.walk.trace
        if isinstance(leaf, Ref):
            if leaf.index in trace.moving:
                raise ValueError("it depends on what the picture shows")
            with torch.no_grad():
                leaf = trace.cut([], [leaf.index])(1)[0]
        if isinstance(leaf, torch.Tensor):
            return np.asarray(leaf.detach().cpu().numpy())
        return np.asarray(whole(leaf))

    @property
    def alone(self) -> bool:
        """Whether there is one picture only, so that a model may take it out of the batch."""
        return bool(self.walk.trace.exact)

    def batch_at(self, value: int) -> int | None:
        """Return the axis of a reshape's result that grows with the batch; None where it is not known."""
        if self.walk.trace.batch_first(value):
            return 0
        growing = [isinstance(leaf, Grows) for leaf in leaves((self.node.args[1:], self.node.kwargs))]
        fits = len(growing) == len(self.walk.trace.shapes[value]) and sum(growing) == 1
        return growing.index(True) if fits else None


def whole(tree: Any) -> Any:
    """Return numbers as they are for one picture."""
    if isinstance(tree, Grows):
        return tree.base
    if isinstance(tree, tuple | list):
        return [whole(part) for part in tree]
    if isinstance(tree, Ref):
        raise ValueError("a number that is computed")
    return tree


def listed(value: Any, count: int) -> list[Any]:
    """Return an option as one entry an axis."""
    given = list(value) if isinstance(value, tuple | list) else [value]
    return given * count if len(given) == 1 else given


@attrs.frozen(eq=False)
class Walk:
    """A walk along one tape.

    Attributes:
        trace: the tape.
        spaces: value -> its space; values that do not depend on the picture are left out.
        centres: where kernels look.
    """

    trace: Trace
    spaces: dict[int, Space]
    centres: Centres

    def step(self, number: int) -> None:
        """Put the spaces of what a step makes into the walk."""
        node = self.trace.nodes[number]
        if node.name in NO_VALUES or not any(i in self.spaces for i in self.trace.inputs_of(number)):
            return
        found = self._made(Step(self, number, node, plain(node.name)))
        before = {old: self.spaces.get(old) for old, _ in node.touched}
        for value, space in zip(node.results if not node.made else node.made, found, strict=False):
            if space is not None:
                self.spaces[value] = self._checked(value, space)
        written = node.made[0] if node.made else node.touched[0][1] if node.touched else None
        for old, new in node.touched:
            if new != written and new not in node.made:
                self._alias(node, old, new, before[old], written)

    def _made(self, step: Step) -> list[Space | None]:
        try:
            found = RULES[step.name](step) if step.name in RULES else self._unknown(step)
        except NOT_FOLLOWED:
            found = self._unknown(step)
        return [found] if isinstance(found, Space) or found is None else list(found)

    def _unknown(self, step: Step) -> list[Space | None]:
        held = step.placed or [self.spaces[old] for old, _ in step.node.touched if old in self.spaces]
        made = step.node.made or step.node.results
        return [unknown(self.trace.shapes[value], held[0].start) for value in made]

    def _alias(self, node: Node, old: int, new: int, held: Space | None, written: int | None) -> None:
        """Follow a write into a tensor through another name of it: a view, or what it is a view of."""
        space = None if written is None else self.spaces.get(written)
        if held is not None:
            self.spaces[new] = held  # other values at the same places
        elif space is not None:
            view = next((i for i, after in node.touched if after == written), None)
            canvas = None if view is None else self._painted(view, old, new, space)
            self.spaces[new] = canvas or unknown(self.trace.shapes[new], space.start)

    def _painted(self, view: int, base: int, new: int, space: Space) -> Space | None:
        """Return the space of a blank tensor of which a slice was written."""
        number = self.trace.producer.get(view)
        maker = None if number is None else self.trace.nodes[number]
        if number is None or maker is None or maker.name != "__getitem__" or maker.args[0] != Ref(base):
            return None
        try:
            return painted(None, space, maker.args[1], self.trace.shapes[new])
        except NOT_FOLLOWED:
            return None

    def _checked(self, value: int, space: Space) -> Space:
        """Return a space if it has the shape of its value; else nothing is known."""
        shape = self.trace.shapes[value]
        return space if space.sizes == tuple(shape) else unknown(shape, space.start)


def follow(trace: Trace, value: int, space: Space, centres: Centres) -> dict[int, Space]:
    """Return value -> space for everything that depends on a picture.

    Args:
        trace: the tape.
        value: the input that is the picture.
        space: of it.
        centres: where kernels look; their middle where nothing is said.
    """
    walk = Walk(trace, {value: space}, centres)
    for number in range(len(trace.nodes)):
        walk.step(number)
    return walk.spaces


@rule(
    *("clone", "contiguous", "detach", "to", "type", "float", "half", "double", "bfloat16", "alias"),
    *("cpu", "cuda", "requires_grad", "get_data", "get_real", "get_imag", "real", "imag", "conj"),
    *("resolve_conj", "type_as", "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"),
    *("local_response_norm", "normalize", "native_batch_norm", "native_layer_norm", "native_group_norm"),
    *("checkpoint", "int", "long", "bool", "softmax", "log_softmax", "softmin", "gumbel_softmax"),
    *("_softmax", "cumsum", "cumprod", "logcumsumexp", "dropout", "dropout1d", "dropout2d", "dropout3d"),
    *("alpha_dropout", "feature_alpha_dropout", "tril", "triu", "channel_norm", "pin_memory"),
    *("as_subclass", "positive", "fake_quantize", "fake_quantize_per_tensor_affine"),
    *("fake_quantize_per_channel_affine",),
)  # fmt: skip
def _copied(step: Step) -> Found:
    return step.first


@rule(
    *("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish"),
    *("hardtanh", "hardswish", "hardsigmoid", "hardshrink", "softshrink", "softplus", "softsign"),
    *("tanhshrink", "sigmoid", "logsigmoid", "log_sigmoid", "tanh", "threshold", "exp", "exp2", "expm1"),
    *("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "square", "reciprocal", "neg", "negative", "abs"),
    *("absolute", "sign", "sgn", "logit", "floor", "ceil", "round", "trunc", "frac", "fix", "sin", "cos"),
    *("tan", "asin", "acos", "atan", "arctan", "sinh", "cosh", "asinh", "acosh", "atanh", "sinc", "erf"),
    *("erfc", "erfinv", "lgamma", "digamma", "i0", "isnan", "isinf", "isfinite", "nan_to_num"),
    *("logical_not", "bitwise_not", "clamp", "clip", "clamp_min", "clamp_max", "add", "sub", "subtract"),
    *("rsub", "mul", "multiply", "div", "divide", "true_divide", "truediv", "floor_divide", "floordiv"),
    *("remainder", "fmod", "mod", "pow", "float_power", "maximum", "minimum", "fmax", "fmin", "atan2"),
    *("arctan2", "hypot", "logaddexp", "logaddexp2", "xlogy", "lerp", "addcmul", "addcdiv", "where"),
    *("masked_fill", "eq", "ne", "lt", "le", "gt", "ge", "less", "greater", "less_equal", "isclose"),
    *("greater_equal", "not_equal", "logical_and", "logical_or", "logical_xor", "bitwise_and"),
    *("bitwise_or", "bitwise_xor", "and", "or", "xor", "heaviside", "copysign", "nextafter", "polar"),
    *("complex", "angle", "special_erf", "special_expit", "special_xlogy", "expit", "bernoulli", "fill"),
    *("zero", "invert", "special_gammaln", "deg2rad", "rad2deg", "ldexp", "signbit"),
)  # fmt: skip
def _elementwise(step: Step) -> Found:
    return merged(_with_batch(step.placed), step.shape)


def _with_batch(spaces: list[Space]) -> list[Space]:
    """Return spaces of which none hides the batch: where one knows it, it is the batch of all."""
    found = list(spaces)
    for back in range(1, max(len(one.axes) for one in spaces) + 1):
        axes = [one.axes[-back] for one in spaces if len(one.axes) >= back]
        batch = next((axis for axis in axes if axis.batch), None)
        if batch is None or not any(axis.unknown for axis in axes):
            continue
        for i, one in enumerate(found):
            place = len(one.axes) - back
            if place >= 0 and one.axes[place].unknown and one.axes[place].size == batch.size:
                found[i] = one.with_axis(place, batch)
    return found


@rule("copy")
def _overwritten(step: Step) -> Found:
    space = step.of(step.get(1, "src"))
    return step.of(step.get(0, "self")) if space is None else merged([space], step.shape)
