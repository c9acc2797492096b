"""What tells a model from one that computes otherwise; read at every call, so it has to be quick.

Read are the units, the variables they hold, and whatever a `call` could read besides: plain attributes, lists
and objects of them, tensors and arrays, classes, functions with what they close over.  Left out is what Keras
keeps for itself, and what a call leaves behind.
"""

from __future__ import annotations

import contextlib
import operator
import sys
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache, partial
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.records import Mark
from visioncam_engines.keras import attributes
from visioncam_engines.keras.restore import ABSENT

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, range, slice, type(...), np.dtype})
_FIXED = {"keras", "tf_keras", "tensorflow", "torch", "jax", "jaxlib", "numpy", *sys.stdlib_module_names}
"""Packages whose classes and functions stay as they are, but for names that a user's module may have."""
_FIXED -= {"types", "argparse", "test", "code", "profile"}
_NO_CALL = frozenset({"build", "get_config", "from_config", "train_step", "test_step", "predict_step"})
_MOST = 4096
"""Entries of a list, and objects of a model, that are looked into."""
_HELD = object()
_INSIDE = ("__self__", "__func__", "__wrapped__", "func", "args", "keywords", "python_function", "fget")

_WRAPPERS = (types.MethodType, partial, property, staticmethod, classmethod, type(lru_cache(abs)))
_LOOKS: dict[type, Callable[[Any, Any], Any]] = {}
"""How values of classes are added that do not go away."""
SHADOWED: dict[int, dict[str, Any]] = {}
"""What the dictionaries of units, by number, held before they were shadowed while a model is traced."""
_LEFT: weakref.WeakKeyDictionary[type, frozenset[str]] = weakref.WeakKeyDictionary()


@attrs.frozen(eq=False)
class Fingerprint:
    """What is equal as long as a model computes the same.

    Attributes:
        values: compared by value.
        held: weak references to the rest, compared by identity: the number of an object that is gone may
            be given to the next.
    """

    values: tuple[Any, ...]
    held: tuple[Any, ...]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Fingerprint)
            and self.values == other.values
            and len(self.held) == len(other.held)
            and all(map(operator.is_, self.held, other.held))
        )

    __hash__ = None  # type: ignore[assignment]


def fingerprint(model: Any, sampled: Callable[[list[Any]], object] = lambda variables: None) -> Mark:
    """Return what changes when anything that a call reads is replaced, and a sample of the weights.

    Variables are marked by number, since a trace holds those that it reads.

    Args:
        model: the model.
        sampled: given all variables, returns the mark of their values.
    """
    reading = _Reading()
    reading.waiting.append(model)
    while reading.waiting:
        reading.add_unit(reading.waiting.pop())
        while reading.later:
            reading.add(reading.later.pop())
    return Mark(Fingerprint(tuple(reading.values), tuple(reading.held)), sampled(reading.variables))


def note_left(kind: type, names: Iterable[str]) -> None:
    """Keep in mind which attributes a call leaves in units of a class: they are no part of the model."""
    known = _LEFT.get(kind, frozenset())
    if not known.issuperset(names):
        _LEFT[kind] = known.union(names)


class _Reading:
    """One reading of a model."""

    __slots__ = ("held", "later", "looks", "plans", "seen", "values", "variables", "waiting")

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.held: list[Any] = []
        self.variables: list[Any] = []
        self.waiting: list[Any] = []
        self.later: list[Any] = []
        self.seen: set[int] = set()
        self.looks: dict[type, Callable[[_Reading, Any], Any]] = {}
        self.plans: dict[type, Any] = {}

    def add_unit(self, unit: Any) -> None:
        if id(unit) in self.seen:
            return
        self.seen.add(id(unit))
        kind, state = type(unit), unit.__dict__
        if id(state) in SHADOWED:
            state = {**state, **SHADOWED[id(state)]}
            state = {name: value for name, value in state.items() if value is not ABSENT}
        layout, known = tuple(state), self.plans.get(kind)
        if known is None or known[0] != layout:
            if known is None:
                self._add_class(kind)
            known = self.plans[kind] = layout, *attributes.plan(layout, _LEFT.get(kind, frozenset()))
        _, names, read, variables = known
        look, hold, append = self.looks.get, self.held.append, self.values.append
        hold(weakref.ref(unit))
        append(id(kind))
        append(names)
        for value in read(state):
            kind = type(value)
            if kind in _PLAIN:
                append(value)
            elif look(kind) is _HOLD:
                append(_HELD)
                hold(weakref.ref(value))
            else:
                self.add(value)
        for key in variables:
            if held := state[key]:
                self.values.extend(map(id, held))
                self.variables += held
        if below := _owned(unit, state):
            self.waiting += below

    def add(self, value: Any) -> None:
        """Add a value: plain ones as they are, what containers and objects hold, the identity of the rest."""
        kind = type(value)
        if kind in _PLAIN or (kind is tuple and _PLAIN.issuperset(map(type, value))):
            self.values.append(value)
            return
        look = self.looks.get(kind) or _LOOKS.get(kind)
        if look is None:
            look = _look_into(kind)
            if _root(kind) in _FIXED:
                _LOOKS[kind] = look
            elif look is not _Reading._unit:
                self._add_class(kind)
        self.looks[kind] = look
        look(self, value)

    def _value(self, value: Any) -> None:
        self.values.append(value)

    def _number(self, value: Any) -> None:
        self.values.append(id(value))

    def _unit(self, unit: Any) -> None:
        self._hold(unit)
        self.waiting.append(unit)

    def _hold(self, value: Any) -> None:
        """Add an object's identity."""
        self.values.append(_HELD)
        try:
            self.held.append(weakref.ref(value))
        except TypeError:
            self.values.append(id(value))

    def _first(self, value: Any) -> bool:
        first = id(value) not in self.seen and len(self.seen) < 4 * _MOST
        self.seen.add(id(value))
        return first

    def _list(self, value: Any) -> None:
        self.values.append((type(value).__name__, len(value)))
        if _PLAIN.issuperset(map(type, value)):
            self.values += value
        elif len(value) <= _MOST and self._first(value):
            self.later += value

    def _dict(self, value: Any) -> None:
        self.values.append((type(value).__name__, len(value)))
        if len(value) <= _MOST and self._first(value):
            for entry in list(value.items()):
                self.later += entry

    def _set(self, value: Any) -> None:
        plain = frozenset(part for part in list(value) if type(part) in _PLAIN)
        self.values.append((type(value).__name__, len(value), plain))

    def _array(self, value: Any) -> None:
        """Add an array's identity, with values from all over it: it may be changed in place."""
        self._hold(value)
        if value.dtype.kind != "O":
            self.values.append(value.flat[:: max(1, value.size // 256)].tobytes())

    def _function(self, function: Any) -> None:
        """Add a function with its code, its defaults, and what it reads around it."""
        self._hold(function)
        if not self._first(function) or _root(function) in _FIXED:
            return
        self._hold(function.__code__)
        self.later += (function.__defaults__, function.__kwdefaults__, function.__dict__)
        for cell in function.__closure__ or ():
            with contextlib.suppress(ValueError):  # still empty
                self.later.append(cell.cell_contents)
        around = function.__globals__
        for name in attributes.globals_of(function.__code__):
            value = around.get(name)
            other = isinstance(value, types.FunctionType) and _root(value) != _root(function)
            self.later.append(id(value) if other else value)

    def _wrapper(self, value: Any) -> None:
        """Add a method, `partial`, `tf.function`, cached function or property, with what is inside."""
        self._hold(value)
        if self._first(value):
            self.later += [getattr(value, name, None) for name in _INSIDE]

    def _object(self, value: Any) -> None:
        self._hold(value)
        if self._first(value):
            for entry in attributes.held(value):
                self.later += entry

    def _add_class(self, kind: type) -> None:
        """Add a class: its `call`, and of the user's own all that its methods could read."""
        self.later.append(getattr(kind, "call", None))
        if _root(kind) in _FIXED:
            return
        self._hold(kind)
        for cls in kind.__mro__:
            for name, value in () if _root(cls) in _FIXED else tuple(vars(cls).items()):
                if name not in _NO_CALL and (name == "__call__" or not name.startswith("__")):
                    self.later += (name, value)


_HOLD = _Reading._hold


def _look_into(kind: type) -> Callable[[_Reading, Any], Any]:
    """Return how values of a class are added."""
    if issubclass(kind, list | tuple | deque):
        return _Reading._list
    if issubclass(kind, dict) or kind.__name__ == "_DictWrapper":
        return _Reading._dict
    if issubclass(kind, set | frozenset):
        return _Reading._set
    if issubclass(kind, np.ndarray):
        return _Reading._array
    if issubclass(kind, np.generic) or kind.__name__ == "TensorShape":
        return _Reading._value
    if kind is types.FunctionType:
        return _Reading._function
    if issubclass(kind, _WRAPPERS) or hasattr(kind, "python_function"):
        return _Reading._wrapper
    if hasattr(kind, "_flatten_layers") or hasattr(kind, "symbolic_call"):
        return _Reading._unit
    if issubclass(kind, type | Enum) or _root(kind) in _FIXED:
        return _Reading._hold if kind.__weakrefoffset__ else _Reading._number
    return _Reading._object


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", "")).partition(".")[0]


def _owned(unit: Any, state: dict[str, Any]) -> list[Any]:
    """Return what `children` yields; read off a Keras 3 layer's lists, since every call asks for it."""
    kind: type = type(unit)
    if not attributes.keeps_lists(kind):
        return list(attributes.children(unit))
    below = state.get("_functional")
    operations = state.get("_operations") if below is None else below.__dict__.get("_operations")
    layers: list[Any] = state.get("_layers", [])
    return [*layers, *operations] if operations else layers
