"""What a tape is made of: values, the steps that make them, and which module returned which value."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import attrs


@attrs.frozen
class Ref:
    """A value on the tape, where an argument of a step was a tensor that the tape knows."""

    index: int


@attrs.frozen
class Grows:
    """A whole number that is `base` for one picture and grows by `step` with each more."""

    base: int
    step: int


@attrs.define(eq=False)
class Node:
    """One step: a torch function that was called.

    Attributes:
        func: the function.
        name: its name; `get_T` for an attribute that is read, `set_data` for one that is written.
        args, kwargs: its arguments, with a `Ref` for each value of the tape; parameters and buffers are the
            model's own tensors.
        made: values that it returned.
        touched: (before, after) of values that it wrote into.
        still: the model itself had turned gradients off.
        seed: of a step that draws random numbers.
    """

    func: Any
    name: str
    args: Any
    kwargs: Any
    made: list[int]
    touched: list[tuple[int, int]]
    still: bool = False
    seed: int | None = None

    @property
    def refs(self) -> list[int]:
        """The values among its arguments."""
        return [leaf.index for leaf in leaves((self.args, self.kwargs)) if isinstance(leaf, Ref)]

    @property
    def results(self) -> list[int]:
        """The values it made, and those it left in place of others."""
        return [*self.made, *(new for _, new in self.touched)]


@attrs.frozen
class Record:
    """What one module returned in one call.

    Attributes:
        path: unique, such as `layer4/2`, `conv#1` for a second call, `lstm:0` for an output of several.
        bare: the path without call number and output key.
        kind: class name of the module.
        key: of an output of several, or "".
        value: on the tape.
        holds: it is a container, such as a Sequential, that hands on what its last child made.
    """

    path: str
    bare: str
    kind: str
    key: str
    value: int
    holds: bool = False


def parts_of(tree: Any) -> list[tuple[str, Any]] | None:
    """Return the named parts of a structure, or None for a leaf."""
    if isinstance(tree, Mapping):
        return [(str(key), part) for key, part in tree.items()]
    if isinstance(tree, tuple | list):
        return [(str(key), part) for key, part in zip(getattr(tree, "_fields", range(len(tree))), tree)]  # noqa: B905
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return [(field.name, getattr(tree, field.name)) for field in dataclasses.fields(tree)]
    if attrs.has(type(tree)):
        return [(field.name, getattr(tree, field.name)) for field in attrs.fields(type(tree))]
    return None


def named_leaves(tree: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return (path, leaf) of what a model or module returns; a lone leaf has the path ""."""
    parts = parts_of(tree)
    if parts is None:
        return [(path, tree)]
    return [leaf for name, part in parts for leaf in named_leaves(part, f"{path}/{name}" if path else name)]


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of a step's arguments."""
    if isinstance(tree, tuple | list):
        return [leaf for part in tree for leaf in leaves(part)]
    if isinstance(tree, dict):
        return [leaf for part in tree.values() for leaf in leaves(part)]
    if isinstance(tree, slice):
        return leaves((tree.start, tree.stop, tree.step))
    return [tree]


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return a step's arguments with `function` applied to each leaf."""
    if isinstance(tree, tuple):  # a torch.Size or a named tuple becomes a plain one
        return tuple(mapped(function, part) for part in tree)
    if isinstance(tree, list):
        return [mapped(function, part) for part in tree]
    if isinstance(tree, dict):
        return {key: mapped(function, part) for key, part in tree.items()}
    if isinstance(tree, slice):
        return slice(*(mapped(function, part) for part in (tree.start, tree.stop, tree.step)))
    return function(tree)
