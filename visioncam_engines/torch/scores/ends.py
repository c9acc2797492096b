"""What stands at the end of a model on tape: the activations that its output is computed from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.graph import ends
from visioncam_core.engine.graph.ends import End
from visioncam_engines.torch.space.walk import plain
from visioncam_engines.torch.tape.model_trace import Trace, at_rest
from visioncam_engines.torch.tape.records import Grows, Node, Ref, leaves, mapped

LOG_SIGMOIDS = ("log_sigmoid", "logsigmoid")
ACTIVATIONS = {
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "special_softmax": "softmax",
    "special_log_softmax": "log_softmax",
    "special_expit": "sigmoid",
    **dict.fromkeys(LOG_SIGMOIDS, "sigmoid"),
}
_COPIES = {"clone", "contiguous", "detach", "alias", "clamp", "clip", "clamp_min", "clamp_max", "nan_to_num"}
_CASTS = {"to", "float", "half", "double", "bfloat16", "type", "type_as"}
_KEEPS_ROWS = {"reshape", "view", "flatten", "unflatten", "squeeze", "unsqueeze", "reshape_as", "view_as"}
_MOVES = {
    *("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "get_T", "get_mT"),
    *("flip", "cat", "concat", "concatenate", "stack", "hstack", "vstack", "roll", "column_stack"),
    *("dstack",),
}
_CUTS = {"__getitem__", "chunk", "split", "tensor_split", "unbind", "narrow", "select", "index_select"}
_SUMS = {"add", "sub", "rsub", "subtract"}
_FACTORS = {"mul", "multiply", "div", "truediv", "true_divide"}
_REDUCES = {"mean": False, "sum": True}


def fixed(trace: Trace, leaf: Any) -> np.ndarray | None:
    """Return the value of a constant, None of what is computed or of a weight."""
    if isinstance(leaf, int | float | bool):
        return np.asarray(leaf, np.float64)
    if not isinstance(leaf, Ref) or leaf.index in trace.moving:
        return None
    behind = trace.ancestors([leaf.index])
    held = (
        one for number in behind for one in leaves((trace.nodes[number].args, trace.nodes[number].kwargs))
    )
    if not behind or any(isinstance(one, torch.Tensor) for one in held):
        return None
    return np.asarray(constant(trace, leaf.index).detach().cpu().double().numpy())


def constant(trace: Trace, value: int) -> Any:
    """Return a value that does not depend on the inputs."""

    def computed() -> Any:
        with at_rest():
            return trace.cut([], [value])(1)[0].detach()

    return trace.once(("constant", value), computed)


def replay(trace: Trace, node: Node, value: int, data: Mapping[int, Any], pictures: int) -> Any:
    """Return what a step makes of other data: the one of its results that is `value`."""

    def given(leaf: Any) -> Any:
        if isinstance(leaf, Grows):
            return leaf.base + leaf.step * (pictures - 1)
        if not isinstance(leaf, Ref):
            return leaf
        return data[leaf.index] if leaf.index in data else constant(trace, leaf.index)

    found = leaves(node.func(*mapped(given, node.args), **mapped(given, node.kwargs)))
    return [one for one in found if isinstance(one, torch.Tensor)][node.made.index(value)]


@attrs.frozen(eq=False)
class Finder:
    """Walks back from outputs of one trace to the activations that they are computed from.

    Attributes:
        trace: the tape.
    """

    trace: Trace

    def end(self, value: int) -> End | None:
        """Return the end that a value is; None where others take part."""
        number = self.trace.producer.get(value)
        if number is None:
            return None
        node = self.trace.nodes[number]
        name = plain(node.name)
        if name in ACTIVATIONS and isinstance(node.args[0], Ref):
            return self._activation(number, node, name)
        if name in _COPIES:
            return self._of(node.args[0])
        if name in _CASTS:
            dtype = self.trace.dtypes[value]
            return ends.after(self._of(node.args[0]), lambda x, r: r.cast(x, dtype))
        if name in ("exp", "log"):
            return (ends.exponential if name == "exp" else ends.logarithm)(self._of(node.args[0]))
        if name in _REDUCES:
            return self._reduced(node, value, name)
        if name in _KEEPS_ROWS | _MOVES | _CUTS:
            return self._moved(node, value, name)
        return self._linear(node, value, name)

    def _of(self, leaf: Any) -> End | None:
        return self.end(leaf.index) if isinstance(leaf, Ref) else None

    def _activation(self, number: int, node: Node, name: str) -> End:
        kind, given = ACTIVATIONS[name], node.args[0]
        inner = self._of(given) if kind in ("softmax", "sigmoid") and name not in LOG_SIGMOIDS else None
        found = ends.activation(number, kind, given.index, inner)
        if name in LOG_SIGMOIDS:
            return attrs.evolve(found, traits=found.traits | {"log"}, low=-np.inf, high=0.0)
        return found

    def _moved(self, node: Node, value: int, name: str) -> End | None:
        refs = list(dict.fromkeys(node.refs))
        if any(ref not in self.trace.moving for ref in refs if name in _MOVES):
            return None  # joined with what is no probability
        refs = [ref for ref in refs if ref in self.trace.moving]
        found = [self.end(ref) for ref in refs[: None if name in _MOVES else 1]]
        known = [end for end in found if end is not None]
        if (
            not known
            or len(known) < len(refs)
            or any(isinstance(leaf, torch.Tensor) for leaf in leaves(node.args))
        ):
            return None
        before, after = self.trace.shapes[refs[0]], self.trace.shapes[value]
        kept = name in _KEEPS_ROWS and before[-1:] == after[-1:]
        traits = () if kept else ("cut",) if name in _CUTS else ("moved",)
        rows = max(1, before[0]) if before else 1

        def make(parts: list[Any]) -> Any:
            data = dict(zip(refs, parts, strict=True))
            return replay(self.trace, node, value, data, max(len(parts[0]) // rows, 1))

        return ends.replayed(known, make, traits)

    def _reduced(self, node: Node, value: int, name: str) -> End | None:
        end, given = self._of(node.args[0]), node.args[0]
        if end is None:
            return None
        shape = self.trace.shapes[given.index]
        dims = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim", node.kwargs.get("axis"))
        axes = list(range(len(shape))) if dims is None else [dims] if isinstance(dims, int) else list(dims)
        axes = [axis % len(shape) for axis in axes]
        if 0 in axes and shape[0] == 1 and self.trace.batch_first(given.index):
            return None  # pictures mixed with each other
        keep = len(self.trace.shapes[value]) == len(shape)
        rows = max(1, shape[0])
        return ends.reduced(
            end,
            int(np.prod([shape[axis] for axis in axes])),
            _REDUCES[name],
            lambda part: replay(self.trace, node, value, {given.index: part}, max(len(part) // rows, 1)),
            lambda part: [part.amax(axes, keep), part.amin(axes, keep)],
        )

    def _linear(self, node: Node, value: int, name: str) -> End | None:
        """Return the end of a sum of ends and constants, or of one scaled by a constant."""
        if name not in (
            "add",
            "sub",
            "rsub",
            "subtract",
            "mul",
            "multiply",
            "div",
            "truediv",
            "neg",
            "true_divide",
        ):
            return None
        if node.kwargs.keys() - {"other", "out"} or node.kwargs.get("out") is not None:
            return None  # alpha= and rounding_mode=
        terms = [*node.args, *(one for key, one in node.kwargs.items() if key == "other")]
        if node.name.startswith("__r") or name == "rsub":
            terms.reverse()
        values = [fixed(self.trace, one) for one in terms]
        free = [one for one, known in zip(terms, values, strict=True) if known is None]
        found = [self._of(one) for one in free]
        known = [end for end in found if end is not None]
        if not known or len(known) < len(found) or not all(end.probable for end in known):
            return None
        if name in _SUMS:
            signs = [1.0, -1.0 if name != "add" else 1.0]
            of_ends = [sign for sign, one in zip(signs, values, strict=True) if one is None]
            shifts = [sign * one for sign, one in zip(signs, values, strict=True) if one is not None]
            wider = self.trace.shapes[free[0].index] != self.trace.shapes[value]
            return ends.added(list(zip(of_ends, known, strict=True)), shifts, wider)
        if len(known) > 1 or any(one.size != 1 for one in values if one is not None):
            return None
        if name == "neg":
            return ends.scaled(known[0], -1.0)
        factor = next(float(one.reshape(())) for one in values if one is not None)
        divided = name in ("div", "truediv", "true_divide")
        if factor == 0 or (divided and values[0] is not None):
            return None
        return ends.scaled(known[0], 1 / factor if divided else factor)


def unscaled(trace: Trace, value: int) -> tuple[int, float]:
    """Return what a value is a multiple of, by a constant, and the factor."""
    factor = 1.0
    while (number := trace.producer.get(value)) is not None:
        node = trace.nodes[number]
        name = plain(node.name)
        if name in _CASTS | {"clone", "contiguous"} and isinstance(node.args[0], Ref):
            value = node.args[0].index
            continue
        if name not in _FACTORS or len(node.args) != 2:
            break
        values = [fixed(trace, one) for one in node.args]
        given = [float(one.reshape(())) for one in values if one is not None and one.size == 1]
        divided = name not in ("mul", "multiply")
        free = next((one for one in node.args if isinstance(one, Ref) and one.index in trace.moving), None)
        reverse = node.name.startswith("__r")
        if free is None or len(given) != 1 or (divided and (reverse or values[1] is None or not given[0])):
            break
        factor *= 1 / given[0] if divided else given[0]
        value = free.index
    return value, factor
