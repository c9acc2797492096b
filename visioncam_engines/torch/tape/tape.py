"""The tape: every torch function of one forward pass, with its arguments."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from visioncam_engines.torch.tape.draws import draws, seeded
from visioncam_engines.torch.tape.reads import VALUE_READS, without_gradient
from visioncam_engines.torch.tape.records import Node, Ref, leaves, mapped, named_leaves


class UntraceableError(Exception):
    """Why a model cannot be put on tape, in words that follow "because"."""


class WritesError(UntraceableError):
    """A model that writes into its own parameters, which was kept from it."""


def name_of(func: Any) -> str:
    """Return the name of a torch function, also of `aten.conv2d.default` in an exported program.

    Attributes of tensors are read and written by one function each.
    """
    name = str(getattr(func, "__name__", type(func).__name__))
    if name in ("__get__", "__set__"):
        return f"{name[2:5]}_{getattr(func.__self__, '__name__', '')}"
    return name.partition(".")[0]


class Tape(TorchFunctionMode):  # type: ignore[misc]
    """Writes down every torch function that returns or changes a tensor.

    Attributes:
        nodes, shapes, dtypes: the steps, and what is known of each value.
        records: what modules returned, as the recorder says it through `keep`.
        moving: values that depend on the inputs.
        reads: names of functions that gave the model's Python a value to decide by.
        wrong: what else makes the tape another than the model, or "".
        random: names of steps that draw random numbers.
    """

    def __init__(self, inputs: list[Any]) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.shapes: list[tuple[int, ...]] = []
        self.dtypes: list[Any] = []
        self.records: list[tuple[str, str, str, int, bool]] = []
        self.moving: set[int] = set()
        self.reads: list[str] = []
        self.random: list[str] = []
        self.wrong = ""
        self._originals: dict[int, Any] = {}  # number of a copied tensor -> the model's own
        self._copied: set[int] = set()  # storages of these
        self._known: dict[int, int] = {}  # number of a tensor -> its value now
        self._alive: list[Any] = []
        self._by_storage: dict[int, list[Any]] = {}
        self._by_operator: set[int] = set()  # tensors whose handwritten gradient belongs to the step itself
        self._autocast = _autocast()
        for one in inputs:
            self.moving.add(self._new(one))

    @property
    def why(self) -> str:
        """Why the tape is not the model, or ""."""
        if self.reads:
            also = f", and {self.drawing}" if self.random else ""
            return f"its Python reads values of tensors ({', '.join(sorted(set(self.reads)))}){also}"
        return self.wrong

    @property
    def drawing(self) -> str:
        """What is drawn at random."""
        names = ", ".join(sorted(set(self.random)))
        return f"it draws random numbers ({names}), here the same ones each time"

    def stands_for(self, copies: Iterable[Any], originals: dict[int, Any]) -> None:
        """Take tensors of a copy for the model's own, given by the copies' numbers."""
        self._originals.update(originals)
        self._copied.update(_storage(one) for one in copies)

    def value_of(self, tensor: Any) -> int | None:
        """Return the value that a tensor is, or None where the tape does not know it."""
        return self._known.get(id(tensor))

    def keep(self, path: str, kind: str, output: Any, holds: bool = False) -> None:
        """Record what the module at `path` returned; called by the recorder, once a call of a module."""
        for key, leaf in named_leaves(output):
            if isinstance(leaf, torch.Tensor) and leaf.is_floating_point() and id(leaf) in self._known:
                self.records.append((path, kind, key, self._known[id(leaf)], holds))

    def close(self) -> None:
        """Let go of the tensors; what is on the tape stays."""
        self._alive, self._by_storage, self._known, self._originals = [], {}, {}, {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = name_of(func)
        tensors = [leaf for leaf in leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if name == "set_data":
            return self._set_data(func, args)
        self._refuse_writing(name, args, kwargs)
        versions = [_version(one) for one in tensors]
        if not self.wrong and _autocast() != self._autocast:
            self.wrong = "it turns autocast on itself"
        drawn = draws(name, args, kwargs)
        with seeded(len(self.random)) if drawn else contextlib.nullcontext():
            out = func(*(without_gradient(args) if name in VALUE_READS else args), **kwargs)
        made = [leaf for leaf in leaves(out) if isinstance(leaf, torch.Tensor)]
        self._by_operator.update(id(one) for one in made if _by_hand(one))
        changed = [one for one, before in zip(tensors, versions, strict=True) if _version(one) != before]
        moving = any(self._known.get(id(one)) in self.moving for one in tensors)
        if not made and not changed:
            if name in VALUE_READS and moving:
                self.reads.append(name)
            return out
        if not changed and all(self._handed_on(one, tensors) for one in made):
            return out  # a dropout at rest, `contiguous`
        self._write_down(func, name, args, kwargs, tensors, made, changed, moving)
        return out

    def _write_down(
        self,
        func: Any,
        name: str,
        args: Any,
        kwargs: Any,
        tensors: list[Any],
        made: list[Any],
        changed: list[Any],
        moving: bool,
    ) -> None:
        for one in tensors:
            self._check_origin(name, one)
        for one in changed:
            self._bring_in(name, one)
        node = Node(func, name, mapped(self._put, args), mapped(self._put, kwargs), [], [])
        node.still = not torch.is_grad_enabled()
        if draws(name, args, kwargs):
            node.seed = len(self.random)
            self.random.append(name)
        touched: dict[int, Any] = {}
        for one in changed:
            for alias in (one, *self._by_storage.get(_storage(one), ())):
                if id(alias) in self._known:
                    touched[id(alias)] = alias
                elif moving:
                    raise UntraceableError(f"{name} writes into a tensor that was there before the call")
        node.touched = [(self._known[key], self._new(alias)) for key, alias in touched.items()]
        node.made = [self._known[id(one)] if id(one) in touched else self._new(one) for one in made]
        if moving:
            self.moving.update(node.results)
        self.nodes.append(node)

    def _bring_in(self, name: str, buffer: Any) -> None:
        """Put a buffer that a step writes into on the tape, as a copy of the model's own."""
        if isinstance(buffer, torch.nn.Parameter) and id(buffer) in self._originals:
            raise WritesError(f"{name} writes into its parameters")
        if id(buffer) in self._originals and id(buffer) not in self._known:
            self.nodes.append(
                Node(torch.clone, "clone", (self._originals[id(buffer)],), {}, [self._new(buffer)], [])
            )
        elif _storage(buffer) in self._copied and id(buffer) not in self._originals:
            raise UntraceableError(f"{name} writes into a part of a buffer")

    def _new(self, tensor: Any) -> int:
        index = len(self.shapes)
        self.shapes.append(tuple(tensor.shape))
        self.dtypes.append(tensor.dtype)
        if id(tensor) not in self._known:
            self._alive.append(tensor)
            self._by_storage.setdefault(_storage(tensor), []).append(tensor)
        self._known[id(tensor)] = index
        return index

    def _handed_on(self, one: Any, given: list[Any]) -> bool:
        """Return whether a step returns a tensor that it was given, and that needs no new value."""
        known = id(one) in self._known or id(one) in self._originals
        return known and any(one is tensor for tensor in given)

    def _put(self, leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        if id(leaf) in self._known:
            return Ref(self._known[id(leaf)])
        return self._originals.get(id(leaf), leaf)

    def _check_origin(self, name: str, one: Any) -> None:
        if _by_hand(one) and id(one) not in self._by_operator and not self.wrong:
            # Its steps were seen, but not the gradient that somebody wrote for it.
            kind = type(one.grad_fn).__name__.removesuffix("Backward")
            self.wrong = f"the gradient of {kind} is written by hand"
        if id(one) not in self._known and id(one) not in self._originals:
            if one.grad_fn is not None and not self.wrong:
                self.wrong = f"{name} receives a tensor that no torch function made"
            self._alive.append(one)

    def _set_data(self, func: Any, args: Any) -> Any:
        """Follow `tensor.data = other`: the tensor is the other value from now on."""
        target, value = args
        if id(target) not in self._known and id(target) not in self._originals:
            raise UntraceableError("it replaces the data of a tensor that was there before the call")
        out = func(*args)
        if id(value) in self._known:
            self._alive.append(target)
            self._known[id(target)] = self._known[id(value)]
        return out

    def _refuse_writing(self, name: str, args: Any, kwargs: Any) -> None:
        """Refuse, before it is done, to write into a parameter, whose storage is the model's own."""
        inplace = (name.endswith("_") and not name.endswith("__")) or name in _IN_PLACE
        targets = [args[0]] if inplace and args else []
        targets += leaves(kwargs.get("out"))
        for one in targets:
            if isinstance(one, torch.nn.Parameter) and id(one) in self._originals:
                raise WritesError(f"{name} writes into its parameters")


_IN_PLACE = frozenset(
    f"__i{name}__" for name in ("add", "sub", "mul", "div", "truediv", "pow", "and", "or", "xor", "matmul")
) | {"__setitem__"}  # fmt: skip


def _by_hand(tensor: Any) -> bool:
    return isinstance(tensor.grad_fn, torch.autograd.function.BackwardCFunction)


def _version(tensor: Any) -> int:
    return 0 if tensor.is_inference() else int(tensor._version)


def _storage(tensor: Any) -> int:
    return int(tensor.untyped_storage().data_ptr()) or id(tensor)


def _autocast() -> tuple[bool, ...]:
    return tuple(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda"))
