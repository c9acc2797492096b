"""A model as a flat list of JAX's primitives, made of a jaxpr: what was jitted is inlined.

Every step has values of its own, also where JAX shares one inner jaxpr between calls.  Functions with a
gradient of their own (`relu`, whose derivative at 0 is 0), loops and branches stay single steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any

import attrs
import numpy as np

CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr",
         "checkpoint": "jaxpr", "remat2": "jaxpr", "remat": "jaxpr"}  # fmt: skip
"""Steps that only call others, with the parameter that holds them."""
COPIES = frozenset(("copy", "copy_p", "name", "stop_gradient", "convert_element_type", "reduce_precision",
                    "optimization_barrier", "sharding_constraint", "pvary"))  # fmt: skip
SHAPES = frozenset(("reshape", "squeeze", "expand_dims", "transpose"))
FLAT = frozenset(("stop_gradient", "round", "floor", "ceil", "sign", "argmax", "argmin", "eq", "ne", "lt",
                  "le", "gt", "ge", "is_finite", "and", "or", "xor", "not", "sort_key_val"))  # fmt: skip
"""Steps whose derivative is 0 wherever there is one."""
MOST_CONSTANT = 1 << 22


@attrs.frozen(eq=False)
class Value:
    """One array while a model is run on one picture.

    Attributes:
        shape: its lengths, the batch of one included.
        dtype: its NumPy dtype.
        known: the array itself, where it is a constant; else None.
    """

    shape: tuple[int, ...]
    dtype: Any
    known: Any = None

    @property
    def floating(self) -> bool:
        return self.dtype.name.startswith(("float", "bfloat"))


@attrs.frozen(eq=False)
class Step:
    """One primitive with what it takes and gives."""

    primitive: Any
    params: Mapping[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    @property
    def name(self) -> str:
        return str(self.primitive.name)


@attrs.frozen(eq=False)
class Graph:
    """Steps in the order in which they run.

    Attributes:
        steps: the steps.
        inputs: the model's inputs.
        weights: its variables.
        outputs: what it returns, in flat order.
        made_by: value -> the step that gives it.
    """

    steps: tuple[Step, ...]
    inputs: tuple[Value, ...]
    weights: tuple[Value, ...]
    outputs: tuple[Value, ...]
    made_by: dict[Value, Step] = attrs.field(factory=dict)
    _constants: dict[Value, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, closed: Any, weights: int) -> Graph:
        """Return the graph of a closed jaxpr whose first `weights` inputs are the variables."""
        steps: list[Step] = []
        given = [_value(var.aval) for var in closed.jaxpr.invars]
        outputs = inline(closed, given, steps)
        made_by = {value: step for step in steps for value in step.outputs}
        return cls(tuple(steps), tuple(given[weights:]), tuple(given[:weights]), tuple(outputs), made_by)

    def ancestors(self, values: Iterable[Value], stop: Iterable[Value] = ()) -> set[Value]:
        """Return values, and all that they are computed from; what is in front of `stop` is left out."""
        found: set[Value] = set()
        waiting, ends = list(values), set(stop)
        while waiting:
            value = waiting.pop()
            if value in found:
                continue
            found.add(value)
            step = None if value in ends else self.made_by.get(value)
            if step is not None:
                waiting.extend(step.inputs)
        return found

    def descendants(
        self, values: Iterable[Value], past: Callable[[Step], bool] = lambda step: True
    ) -> set[Value]:
        """Return values, and all that is computed from them by steps that `past` lets through."""
        found = set(values)
        for step in self.steps:
            if not found.isdisjoint(step.inputs) and past(step):
                found.update(step.outputs)
        return found

    def sides(self, fetches: Iterable[Value], at: Sequence[Value]) -> list[Value]:
        """Return what of the picture `fetches` are computed from besides `at`, nearest to `at`."""
        moving, behind = self.descendants(self.inputs), self.descendants(at)
        wanted = self.ancestors(fetches, at)
        found = {one: None for one in fetches if one in moving and one not in behind}
        for step in self.steps:
            if any(one in wanted and one in behind and one not in at for one in step.outputs):
                found |= {one: None for one in step.inputs if one in moving and one not in behind}
        return list(found)

    def evaluate(self, env: dict[Value, Any], fetches: Sequence[Value]) -> list[Any]:
        """Return the fetches from what is in `env`, by running the steps between; they are put there too."""
        wanted = self.ancestors(fetches, env)
        for step in self.steps:
            if any(one in wanted and one not in env for one in step.outputs):
                found = run(step, [env.get(one, one.known) for one in step.inputs])
                env.update(zip(step.outputs, found, strict=True))
        return [env.get(one, one.known) for one in fetches]

    def constant(self, value: Value) -> np.ndarray | None:
        """Return what a value is, where it depends neither on a picture nor on a weight."""
        if value.known is not None:
            return np.asarray(value.known)
        if value not in self._constants:
            before = self.ancestors([value])
            fixed = before.isdisjoint((*self.inputs, *self.weights))
            if fixed and all(prod(one.shape) <= MOST_CONSTANT for one in before):
                (found,) = self.evaluate({}, [value])
                self._constants[value] = np.asarray(found)
            else:
                self._constants[value] = None
        found = self._constants[value]
        return None if found is None else np.asarray(found)

    def same(self, value: Value, through: Iterable[str] = COPIES) -> set[Value]:
        """Return a value and those that it is a mere copy of."""
        names, found = set(through), {value}
        while (step := self.made_by.get(value)) is not None and step.name in names:
            value = step.inputs[0]
            found.add(value)
        return found


def run(step: Step, values: Sequence[Any]) -> list[Any]:
    """Return what a step gives for other values."""
    bound = step.primitive.get_bind_params(dict(step.params))
    functions, params = bound if isinstance(bound, tuple) else ((), bound)  # JAX before 0.8 gives a pair
    found = step.primitive.bind(*functions, *values, **params)
    return list(found) if step.primitive.multiple_results else [found]


def inline(closed: Any, given: Sequence[Value], steps: list[Step]) -> list[Value]:
    """Append the steps of a closed jaxpr on given values; return its outputs."""
    jaxpr = closed.jaxpr
    env: dict[Any, Value] = dict(zip(jaxpr.invars, given, strict=True))
    env |= {var: _constant(held) for var, held in zip(jaxpr.constvars, closed.consts, strict=True)}

    def read(atom: Any) -> Value:
        return _constant(atom.val) if hasattr(atom, "val") else env[atom]

    for eqn in jaxpr.eqns:
        taken = [read(atom) for atom in eqn.invars]
        inner = inner_of(eqn.primitive.name, eqn.params)
        if inner is not None:
            made = inline(inner, taken, steps)
        else:
            made = [_value(var.aval) for var in eqn.outvars]
            steps.append(Step(eqn.primitive, eqn.params, tuple(taken), tuple(made)))
        env.update(zip(eqn.outvars, made, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def inner_of(name: str, params: Mapping[str, Any]) -> Any:
    """Return the closed jaxpr that a step only calls, or None."""
    return closed_of(params[CALLS[name]]) if name in CALLS and CALLS[name] in params else None


def closed_of(jaxpr: Any) -> Any:
    from jax.extend.core import ClosedJaxpr

    return jaxpr if hasattr(jaxpr, "consts") else ClosedJaxpr(jaxpr, ())


def _value(aval: Any) -> Value:
    return Value(tuple(getattr(aval, "shape", ())), np.dtype(_dtype(aval)))


def _dtype(aval: Any) -> Any:
    dtype = getattr(aval, "dtype", np.float32)
    return dtype if isinstance(dtype, np.dtype) else np.uint32  # a key of random numbers


def _constant(held: Any) -> Value:
    return Value(
        tuple(np.shape(held)),
        np.dtype(_dtype(held)) if hasattr(held, "dtype") else np.asarray(held).dtype,
        held,
    )
