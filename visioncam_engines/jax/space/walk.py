"""Follow the picture through a graph, from its input to every value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine import space as spaces_of
from visioncam_core.engine.space import BATCH, Axis, Run, Space, merged, own, unknown, without
from visioncam_engines.jax.graph import COPIES, Graph, Step, Value, closed_of

Looks = Mapping[Step, np.ndarray]
"""A convolution -> the tap that its kernel looks at, an axis each; of others it is the middle."""
Rule = Callable[["Walk", Step], Space | Sequence[Space | None] | None]

RULES: dict[str, Rule] = {}
"""What a primitive of each name makes of positions; of others nothing is known."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


@attrs.frozen(eq=False)
class Walk:
    """A walk through one graph.

    Attributes:
        graph: the graph.
        looks: where kernels look.
        spaces: value -> its space; values that do not depend on the picture are left out.
    """

    graph: Graph
    looks: Looks
    spaces: dict[Value, Space]

    def of(self, value: Value) -> Space | None:
        return self.spaces.get(value)

    def placed(self, step: Step) -> list[Space]:
        """Return the spaces of those inputs of a step that depend on the picture."""
        return [space for one in step.inputs if (space := self.of(one)) is not None]

    def unknown(self, step: Step) -> list[Space | None]:
        """Return what is known of outputs that may lie anywhere."""
        return [unknown(one.shape, self.placed(step)[0].start) for one in step.outputs]

    def constant(self, value: Value) -> np.ndarray:
        found = self.graph.constant(value)
        if found is None:
            raise ValueError("a computed number")
        return found

    def go(self, steps: Iterable[Step]) -> None:
        """Put the spaces of everything that steps make into the walk."""
        for step in steps:
            if not self.placed(step):
                continue
            try:
                found = RULES[step.name](self, step) if step.name in RULES else self.unknown(step)
            except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, AttributeError):
                found = self.unknown(step)
            every = [found] if isinstance(found, Space) else found or ()
            for value, space in zip(step.outputs, every, strict=False):
                if space is not None:
                    right = space.sizes == value.shape
                    self.spaces[value] = space if right else unknown(value.shape, space.start)

    def inside(self, jaxpr: Any, given: Sequence[Value], step: Step) -> list[Space | None]:
        """Return the spaces of what a jaxpr inside a step returns for some of the step's inputs."""
        inner = Graph.of(closed_of(jaxpr), 0)
        held = zip(inner.inputs, given, strict=True)
        spaces = {one: space for one, outer in held if (space := self.of(outer)) is not None}
        walk = Walk(inner, {}, spaces)
        walk.go(inner.steps)
        return [walk.of(one) for one in inner.outputs]


def follow(graph: Graph, picture: Value, space: Space, looks: Looks) -> dict[Value, Space]:
    """Return value -> space for everything that depends on a picture."""
    walk = Walk(graph, looks, {picture: space})
    walk.go(graph.steps)
    return walk.spaces


@rule(*COPIES, "rng_bit_generator", "reduce_and_copy")
def _copied(walk: Walk, step: Step) -> Space | None:
    return walk.of(step.inputs[0])


@rule(
    *("add", "add_any", "sub", "mul", "div", "rem", "pow", "integer_pow", "max", "min", "atan2", "nextafter"),
    *("exp", "exp2", "log", "log1p", "expm1", "tanh", "logistic", "sin", "cos", "tan", "asin", "acos"),
    *("atan", "sinh", "cosh", "asinh", "acosh", "atanh", "sqrt", "rsqrt", "cbrt", "square", "abs", "neg"),
    *("sign", "floor", "ceil", "round", "is_finite", "not", "and", "or", "xor", "eq", "ne", "lt", "le", "gt"),
    *("ge", "select_n", "clamp", "erf", "erfc", "erf_inv", "lgamma", "digamma", "igamma", "igammac"),
    *("shift_left", "shift_right_logical", "shift_right_arithmetic", "real", "imag", "complex", "conj"),
    *("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp", "regularized_incomplete_beta", "bessel_i0e"),
    *("bessel_i1e", "population_count", "clz"),
)
def _elementwise(walk: Walk, step: Step) -> Space:
    spaces = walk.placed(step)
    return merged([_led(space, len(step.outputs[0].shape)) for space in spaces], step.outputs[0].shape)


def _led(space: Space, rank: int) -> Space:
    """Return a space with axes of length one in front, up to a rank."""
    missing = rank - len(space.axes)
    return attrs.evolve(space, axes=(*[Axis()] * missing, *space.axes)) if missing > 0 else space


@rule("reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "reduce_and", "reduce_or", "reduce_xor",
      "argmax", "argmin")  # fmt: skip
def _reduced(walk: Walk, step: Step) -> Space | None:
    space = walk.of(step.inputs[0])
    return None if space is None else without(space, [int(axis) for axis in step.params["axes"]])


@rule("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", "custom_lin")
def _own_gradient(walk: Walk, step: Step) -> Sequence[Space | None]:
    inner = next(step.params[name] for name in ("call_jaxpr", "fun_jaxpr", "jaxpr") if name in step.params)
    return walk.inside(inner, step.inputs, step)


@rule("cond")
def _branches(walk: Walk, step: Step) -> Sequence[Space | None]:
    """Return what a branch makes of positions: of the one that is always taken, or where all agree."""
    branches = list(step.params["branches"])
    number = walk.graph.constant(step.inputs[0])
    if number is not None:
        branches = [branches[min(int(number), len(branches) - 1)]]
    first, *others = [walk.inside(one, step.inputs[1:], step) for one in branches]
    return first if all(one == first for one in others) else walk.unknown(step)


@rule("scan")
def _over_steps(walk: Walk, step: Step) -> Sequence[Space | None]:
    """What runs over time keeps the steps: of one list of steps, and what is as large as one of them."""
    first = int(step.params["num_consts"]) + int(step.params["num_carry"])
    lists = [
        space for one in step.inputs[first:] if (space := walk.of(one)) is not None and space.axes[0].placed
    ]
    if not lists or any(one.axes[0] != lists[0].axes[0] for one in lists[1:]):
        return walk.unknown(step)
    steps, one = lists[0], without(lists[0], [0])
    count = int(step.params["num_carry"])
    carried = [_fitted(one, value.shape) for value in step.outputs[:count]]
    return carried + [
        Space((steps.axes[0], *_fitted(one, value.shape[1:]).axes), steps.start, steps.apart)
        for value in step.outputs[count:]
    ]


def _fitted(space: Space, shape: Sequence[int]) -> Space:
    """Return a space for a value whose axes were run over in a loop: those as long as before stay.

    A vector of features, one a step, is mixed; of a map the last axis is channels unless it is as long.
    """
    held = list(space.axes) if len(space.axes) == len(shape) else [Axis()] * len(shape)
    vector = len(shape) <= 2
    axes = []
    for i, (axis, size) in enumerate(zip(held, shape, strict=True)):
        last = i == len(shape) - 1 > 0
        if axis.batch and size == axis.size:
            axes.append(axis)
        elif last and (vector or not axis.placed or size != axis.size):
            axes.append(own(size))
        else:
            axes.append(axis if size == axis.size else spaces_of.unknown_axis(size))
    return Space(tuple(axes), space.start, space.apart)


@rule("fft", "top_k", "approx_top_k")
def _own_positions(walk: Walk, step: Step) -> Sequence[Space | None]:
    """Return the space of outputs whose positions are none of the picture's, behind the batch."""
    start = walk.placed(step)[0].start
    found: list[Space | None] = []
    for one in step.outputs:
        batch = (Axis((Run(BATCH, 1),)),) if one.shape else ()
        found.append(Space((*batch, *(own(n) for n in one.shape[1:])), start))
    return found
