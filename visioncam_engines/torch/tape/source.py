"""Functions cut from a trace, as Python source that is compiled: nothing is interpreted while they run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import torch

from visioncam_engines.torch.tape.draws import seeded
from visioncam_engines.torch.tape.mended import MENDED
from visioncam_engines.torch.tape.records import Grows, Node, Ref, leaves, mapped

Cut = Callable[..., list[Any]]
"""(b, *feeds) -> [*fetches], where b is the number of pictures."""


class Steps(Protocol):
    """The steps of a trace, and what they need."""

    nodes: list[Node]

    def ancestors(self, values: Collection[int], stop: Collection[int] = ()) -> set[int]:
        """Return the numbers of the steps that compute these values, without looking behind `stop`."""

    def inputs_of(self, number: int) -> list[int]:
        """Return the values that a step reads."""


def compiled(
    trace: Steps,
    feeds: Sequence[int],
    fetches: Sequence[int],
    replaced: Mapping[int, Any],
    watched: Mapping[int, Callable[[Any], Any]] | None = None,
) -> Cut:
    """Return the function that computes the fetches from the feeds.

    Weights are read as data: no gradient is computed for them, and another thread may train meanwhile.  Those
    made in inference mode, through which no gradient can be computed, are copied.  A feed that a step writes
    into is copied first, and what is fetched is kept as it was before it is written into.

    Args:
        trace: the model on tape.
        feeds: values given.
        fetches: values returned.
        replaced: what is read in the place of tensors of the model, by number.
        watched: value -> what is called with it as soon as it is made.
    """
    return _Writing(trace, feeds, fetches, replaced, watched or {}).function()


class _Writing:
    """The writing of one function."""

    def __init__(
        self,
        trace: Steps,
        feeds: Sequence[int],
        fetches: Sequence[int],
        replaced: Mapping[int, Any],
        watched: Mapping[int, Callable[[Any], Any]],
    ) -> None:
        self.trace, self.feeds, self.fetches, self.replaced = trace, list(feeds), list(fetches), replaced
        self.watched = watched
        self.order = sorted(trace.ancestors(fetches, set(feeds)))
        self.names: dict[int, str] = {}
        self.scope: dict[str, Any] = {"T": torch.Tensor, "flat": _tensors, "still": _still, "seeded": seeded}
        self.weights: list[str] = []
        self.kept = set(self.fetches)
        self.last = {value: number for number in self.order for value in trace.inputs_of(number)}

    def function(self) -> Cut:
        changes = {old for number in self.order for old, _ in self.trace.nodes[number].touched}
        lines = [f"v{value} = v{value}.clone()" for value in self.feeds if value in changes]
        for number in self.order:
            lines += self.step(number, self.trace.nodes[number])
        result = ",".join(f"v{value}" for value in self.fetches)
        body = "\n    ".join([*self.weights, *lines, f"return [{result}]"])
        text = f"def run(b{''.join(f', v{value}' for value in self.feeds)}):\n    {body}\n"
        exec(compile(text, "<cut from a tape>", "exec"), self.scope)
        return self.scope["run"]

    def step(self, number: int, node: Node) -> list[str]:
        taken = "".join(f"{self.source(part)}," for part in node.args)
        named = "".join(f"{key}={self.source(part)}," for key, part in node.kwargs.items())
        saved = [old for old, _ in node.touched if old in self.kept]
        lines = [f"k{old} = v{old}.clone()" for old in saved]
        drawn = "" if node.seed is None else f"with seeded({node.seed}): "
        lines.append(f"{drawn}r = {self.constant(MENDED.get(node.func, node.func))}({taken}{named})")
        if node.still:
            lines.append("r = still(r)")
        lines += [f"v{new} = v{old}" for old, new in node.touched if old in self.last]
        lines += [f"v{old} = k{old}" for old in saved]
        after = {new for _, new in node.touched}
        plain = [value for value in node.made if value not in after]
        if len(node.made) == 1 and plain:
            lines.append(f"v{plain[0]} = r if isinstance(r, T) else flat(r)[0]")
        elif plain:
            lines.append("r = flat(r)")
            lines += [f"v{value} = r[{i}]" for i, value in enumerate(node.made) if value not in after]
        left = {new for old, new in node.touched if old in self.last}
        lines += [
            f"{self.constant(self.watched[value])}(v{value})"
            for value in dict.fromkeys((*plain, *left))
            if value in self.watched
        ]
        gone = [
            value
            for value in dict.fromkeys(self.trace.inputs_of(number))
            if self.last.get(value) == number and value not in self.kept
        ]
        if gone:
            lines.append(" = ".join(f"v{value}" for value in gone) + " = None")
        return lines

    def source(self, tree: Any) -> str:
        """Return the source of an argument."""
        if isinstance(tree, Ref):
            return f"v{tree.index}"
        if isinstance(tree, Grows):
            return f"({tree.base}+{tree.step}*(b-1))"
        if type(tree) is tuple:
            return "(" + "".join(f"{self.source(part)}," for part in tree) + ")"
        if type(tree) is list:
            return "[" + ",".join(map(self.source, tree)) + "]"
        if isinstance(tree, slice):
            return f"slice({self.source(tree.start)},{self.source(tree.stop)},{self.source(tree.step)})"
        if type(tree) is dict:
            return "{" + ",".join(f"{key!r}:{self.source(part)}" for key, part in tree.items()) + "}"
        if tree is None or type(tree) in (bool, int, str):
            return repr(tree)
        return self.constant(tree)

    def constant(self, value: Any) -> str:
        """Return the name of a function, a weight or whatever else is no literal."""
        if id(value) in self.names:
            return self.names[id(value)]
        name = self.names[id(value)] = f"c{len(self.names)}"
        held = self.replaced.get(id(value), value)
        weight = isinstance(held, torch.Tensor) and (held.requires_grad or held.is_inference())
        if weight:
            self.weights.append(f"{name} = {name}_.{'clone()' if held.is_inference() else 'data'}")
        self.scope[f"{name}_" if weight else name] = held
        return name


def _tensors(result: Any) -> list[Any]:
    return [leaf for leaf in leaves(result) if isinstance(leaf, torch.Tensor)]


def _still(result: Any) -> Any:
    """Return what a step made while the model had gradients turned off."""
    return mapped(lambda leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf, result)
