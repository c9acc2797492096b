"""Finding the logit: the score before the softmax or sigmoid at the model's end, among JAX's primitives.

A softmax is several steps here; its division marks it, whatever was taken from the logits first.
"""

from __future__ import annotations

from math import prod
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.graph import ends
from visioncam_core.engine.graph.ends import End
from visioncam_engines.jax.graph import COPIES, Graph, Step, Value, run

_KEEPS = frozenset(("reshape", "squeeze", "expand_dims", "broadcast_in_dim"))
_MOVES = _KEEPS | {"transpose", "rev", "concatenate", "stack"}
_CUTS = frozenset(("slice", "split", "unstack"))
_PASSED = COPIES - {"convert_element_type"}


@attrs.frozen(eq=False)
class Activation:
    """An activation at the model's end.

    Attributes:
        given: what goes into it.
        made: what comes out.
        turned: it is log(1 + exp x), whose sigmoid is meant.
    """

    given: Value
    made: Value
    turned: bool = False


def find_end(graph: Graph, value: Value) -> End | None:
    """Walk back from a value to the activations that it is computed from; None where others take part."""
    step = graph.made_by.get(value)
    if step is None:
        return None
    kind, given = _activation(graph, step)
    if given is not None:
        inner = find_end(graph, given) if kind in ("softmax", "sigmoid") else None
        return ends.activation(Activation(given, value), kind, given, inner)
    name = step.name
    if name in _PASSED:
        return find_end(graph, step.inputs[0])
    if name == "convert_element_type":
        return ends.after(find_end(graph, step.inputs[0]), lambda x, r: r.cast(x, value.dtype))
    if name in ("min", "max", "clamp"):
        free = [one for one in step.inputs if graph.constant(one) is None]
        return find_end(graph, free[0]) if len(free) == 1 else None
    if name in ("exp", "log"):
        found = find_end(graph, step.inputs[0])
        return (ends.exponential if name == "exp" else ends.logarithm)(found)
    if name == "neg" and (given := _softplus(graph, step.inputs[0])) is not None:  # log(1 - sigmoid)
        found = ends.activation(Activation(given, value, True), "sigmoid", given, find_end(graph, given))
        turned = ends.after(found, lambda x, r: r.other(x), "log")
        return attrs.evolve(turned, low=-np.inf, high=0.0)
    if name in _MOVES | _CUTS or name in ("reduce_sum", "reduce_max"):
        return _replayed(graph, step, value)
    if name in ("neg", "mul", "div", "add", "sub", "add_any"):
        return _linear(graph, step)
    return None


def _activation(graph: Graph, step: Step) -> tuple[str, Value | None]:
    if step.name == "logistic":
        return "sigmoid", step.inputs[0]
    if step.name == "tanh":
        return "tanh", step.inputs[0]
    if step.name == "div":
        return "softmax", softmax_of(graph, step)
    if step.name == "sub":
        return "log_softmax", _log_softmax(graph, step)
    return "", None


def softmax_of(graph: Graph, step: Step) -> Value | None:
    """Return x of exp(x - m) / Σ exp(x - m) over the last axis, for any m that is the same for a row."""
    powers, total = (_source(graph, one) for one in step.inputs)
    exp, summed = graph.made_by.get(powers), graph.made_by.get(total)
    if exp is None or summed is None or exp.name != "exp" or not _sums_last(summed):
        return None
    if _source(graph, summed.inputs[0]) is not powers:
        return None
    return _shifted(graph, _source(graph, exp.inputs[0]))


def _log_softmax(graph: Graph, step: Step) -> Value | None:
    """Return x of y - log Σ exp y, where y is x less what is the same for a row."""
    less, log = _source(graph, step.inputs[0]), graph.made_by.get(_source(graph, step.inputs[1]))
    summed = (
        graph.made_by.get(_source(graph, log.inputs[0])) if log is not None and log.name == "log" else None
    )
    if summed is None or not _sums_last(summed):
        return None
    exp = graph.made_by.get(_source(graph, summed.inputs[0]))
    if exp is None or exp.name != "exp" or _source(graph, exp.inputs[0]) is not less:
        return None
    return _shifted(graph, less)


def _source(graph: Graph, value: Value) -> Value:
    """Return what a value is but for copies and axes of length one."""
    while (step := graph.made_by.get(value)) is not None:
        kept = step.name in _KEEPS and prod(step.inputs[0].shape) == prod(value.shape)
        if not (kept or step.name in COPIES):
            break
        value = step.inputs[0]
    return value


def _sums_last(step: Step) -> bool:
    """Whether a step sums over the last axis that is longer than one."""
    if step.name != "reduce_sum":
        return False
    shape, axes = step.inputs[0].shape, {int(axis) for axis in step.params["axes"]}
    last = max((i for i, n in enumerate(shape) if n > 1), default=len(shape) - 1)
    return last in axes and all(shape[axis] == 1 or axis == last for axis in axes)


def _shifted(graph: Graph, value: Value) -> Value:
    """Return what a value was before something that is the same for its whole row was taken from it."""
    step = graph.made_by.get(value)
    if step is not None and step.name == "sub" and step.inputs[1].shape[-1:] in ((1,), ()):
        return step.inputs[0]
    return value


def _softplus(graph: Graph, value: Value) -> Value | None:
    step = graph.made_by.get(_source(graph, value))
    if step is None or step.name != "custom_jvp_call":
        return None
    shift = graph.constant(step.inputs[1]) if len(step.inputs) == 2 else None
    whole = "logaddexp" in str(step.params.get("name", "")) or "logaddexp" in str(
        step.params.get("jvp_jaxpr_fun", "")
    )
    return step.inputs[0] if whole and shift is not None and not np.any(shift) else None


def _replayed(graph: Graph, step: Step, value: Value) -> End | None:
    index = step.outputs.index(value)

    def again(parts: list[Any]) -> Any:
        return run(step, parts)[index]

    found = every_end(graph, step.inputs)
    if step.name.startswith("reduce"):
        if step.name != "reduce_sum" or not found:
            return None
        axes = tuple(step.params["axes"])
        count = prod(step.inputs[0].shape[axis] for axis in axes)

        def extremes(part: Any) -> list[Any]:
            return [part.max(axes), part.min(axes)]

        return ends.reduced(found[0], count, True, lambda part: again([part]), extremes)
    before = step.inputs[0].shape
    if step.name == "broadcast_in_dim" and prod(before) != prod(value.shape):
        return None
    kept = step.name in _KEEPS and before[-1:] == value.shape[-1:]
    traits = () if kept else ("cut",) if step.name in _CUTS else ("moved",)
    return ends.replayed(found, again, traits)


def _linear(graph: Graph, step: Step) -> End | None:
    """Return the end of a sum of ends and constants, or of one scaled by a constant."""
    values = [graph.constant(one) for one in step.inputs]
    free = [one for one, value in zip(step.inputs, values, strict=True) if value is None]
    found = every_end(graph, free)
    if not found or not all(end.probable for end in found):
        return None
    if step.name in ("add", "sub", "add_any"):
        signs = [-1.0 if step.name == "sub" and i == 1 else 1.0 for i in range(len(values))]
        of_ends = [sign for sign, value in zip(signs, values, strict=True) if value is None]
        given = zip(signs, values, strict=True)
        shifts = [sign * np.asarray(value, np.float64) for sign, value in given if value is not None]
        wider = free[0].shape != step.outputs[0].shape
        return ends.added(list(zip(of_ends, found, strict=True)), shifts, wider)
    if len(found) > 1 or any(np.size(value) != 1 for value in values if value is not None):
        return None
    if step.name == "neg":
        return ends.scaled(found[0], -1.0)
    factor = next(float(np.reshape(value, ())) for value in values if value is not None)
    if factor == 0 or (step.name == "div" and values[0] is not None):
        return None
    return ends.scaled(found[0], 1 / factor if step.name == "div" else factor)


def every_end(graph: Graph, values: Any) -> list[End]:
    """Return the end of each value; none at all where one has none."""
    found = []
    for value in values:
        end = find_end(graph, value)
        if end is None:
            return []
        found.append(end)
    return found
