"""A copy of a model's modules that can be run, hooked and written to without touching the model.

The tree is copied shallowly: parameters share their storage, buffers are copied, since a call may write into
them; `training` is off; hooks and containers are the copy's own.  Methods, closures and helper objects that
hold a module hold the copied one.
"""

from __future__ import annotations

import functools
import sys
import types
import weakref
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Any

import attrs
import torch

from visioncam_engines.torch.tape.opaque import Opaque

_PARALLEL = ("DataParallel", "DistributedDataParallel", "FullyShardedDataParallel")
_CONTAINERS = (list, tuple, dict, OrderedDict, set, deque)
_DEPTH = 3
_LIGHTNING = {"lightning", "pytorch_lightning", "lightning_fabric", "lightning_utilities"}
_FIXED = {"torch", "numpy", *_LIGHTNING, *sys.stdlib_module_names} - {
    "types", "argparse", "test", "code", "profile"
}  # fmt: skip
"""Packages whose own objects hold no module of the user's, but for names that a user's module may have."""


def unwrapped(module: Any) -> Any:
    """Return the module inside the wrappers of torch.compile and of running on several devices."""
    while True:
        if "_orig_mod" in getattr(module, "_modules", {}):
            module = module._orig_mod
        elif type(module).__name__ in _PARALLEL and hasattr(module, "module"):
            module = module.module
        else:
            return module


WRITES: weakref.WeakSet[Any] = weakref.WeakSet()
"""Models that write into their own parameters when they are called: their copies have parameters apart."""


@attrs.define(eq=False)
class Shadow:
    """The copy of one model.

    Attributes:
        module: the copy.
        tensors: its parameters and buffers.
        originals: number of one of these -> the model's own.
        paths: (path, copied module) in the order of `named_modules`, also of modules in plain containers.
        modules: the same with the model's own modules.
    """

    module: Any
    tensors: list[Any]
    originals: dict[int, Any]
    paths: list[tuple[str, Any]]
    modules: list[tuple[str, Any]]


def shadow(model: Any, *, apart: bool = False, replaced: Mapping[int, Any] | None = None) -> Shadow:
    """Return a copy of a model in evaluation mode.

    Args:
        model: the model.
        apart: parameters are copied too; for a model that writes into them.
        replaced: what is read in the place of the model's tensors, by their number.
    """
    copying = _Copying(apart or unwrapped(model) in WRITES, replaced or {})
    for module in unwrapped(model).modules():
        for tensor in (*_held(module, "_parameters"), *_held(module, "_buffers")):
            copying.tensor(tensor)
    twin = copying.module(model, "")
    return Shadow(twin, list(copying.tensors.values()), copying.originals, copying.paths, copying.own)


def _held(module: Any, name: str) -> list[Any]:
    return [tensor for tensor in module.__dict__.get(name, {}).values() if tensor is not None]


class _Copying:
    """One copying of a model."""

    def __init__(self, apart: bool, replaced: Mapping[int, Any]) -> None:
        self.apart, self.replaced = apart, replaced
        self.modules: dict[int, Any] = {}
        self.tensors: dict[int, Any] = {}
        self.others: dict[int, Any] = {}
        self.originals: dict[int, Any] = {}
        self.kept: list[Any] = []  # numbers stay theirs
        self.paths: list[tuple[str, Any]] = []
        self.own: list[tuple[str, Any]] = []

    def tensor(self, one: Any) -> Any:
        if id(one) in self.tensors:
            return self.tensors[id(one)]
        held = self.replaced.get(id(one), one)
        apart = self.apart or not isinstance(one, torch.nn.Parameter) or held.is_inference()
        with torch.inference_mode(False), torch.no_grad():
            # `data` counts its own versions: that another thread trains is no writing of this copy's.
            twin = held.detach().clone() if apart else held.data
            if isinstance(one, torch.nn.Parameter):
                twin = torch.nn.Parameter(twin, one.requires_grad)
        self.tensors[id(one)] = twin
        self.originals[id(twin)] = one
        self.kept.append((one, twin))
        return twin

    def module(self, one: Any, path: str) -> Any:
        one = unwrapped(one)
        if id(one) in self.modules:
            return self.modules[id(one)]
        if isinstance(one, torch.jit.ScriptModule):
            twin = self.modules[id(one)] = Opaque(one)
            self.paths.append((path, twin))
            self.own.append((path, one))
            return twin
        twin = self.modules[id(one)] = object.__new__(type(one))
        self.paths.append((path, twin))
        self.own.append((path, one))
        below = f"{path}." if path else ""
        state = dict(one.__dict__)
        for name in ("_parameters", "_buffers"):
            state[name] = {k: None if v is None else self.tensor(v) for k, v in state[name].items()}
        state["_modules"] = {
            k: None if v is None else self.module(v, below + k) for k, v in state["_modules"].items()
        }
        for name, value in state.items():
            if name not in ("_parameters", "_buffers", "_modules"):
                state[name] = self.other(value, below + name)
        state["training"] = False
        if "_compiled_call_impl" in state:
            state["_compiled_call_impl"] = None  # of `module.compile()`: the model's own
        twin.__dict__.update(state)
        return twin

    def other(self, value: Any, path: str, depth: int = 0) -> Any:
        """Return what stands for an attribute: with the copied modules and tensors, and containers apart."""
        if isinstance(value, torch.nn.Module):
            return self.module(value, path)
        if isinstance(value, torch.nn.Parameter) or id(value) in self.tensors:
            return self.tensor(value)
        if isinstance(value, torch.Tensor) or depth > _DEPTH:
            return value
        kind = type(value)
        if kind in _CONTAINERS:
            return self._container(value, path, depth)
        if id(value) in self.others:
            return self.others[id(value)]
        if kind is types.MethodType:
            owner = self.other(value.__self__, path, depth + 1)
            return value if owner is value.__self__ else types.MethodType(value.__func__, owner)
        if kind is functools.partial:
            args, named = self.other(value.args, path, depth + 1), self.other(value.keywords, path, depth + 1)
            return functools.partial(self.other(value.func, path, depth + 1), *args, **named)
        if kind is types.FunctionType and value.__closure__:
            return self._closure(value, path, depth)
        return self._object(value, path, depth) if of_user(kind) else value

    def _container(self, value: Any, path: str, depth: int) -> Any:
        if isinstance(value, dict):
            items = {key: self.other(part, f"{path}.{key}", depth + 1) for key, part in value.items()}
            return items if type(value) is dict else type(value)(items)
        parts = [self.other(part, f"{path}.{i}", depth + 1) for i, part in enumerate(value)]
        return deque(parts, value.maxlen) if isinstance(value, deque) else type(value)(parts)

    def _closure(self, function: Any, path: str, depth: int) -> Any:
        cells, changed = [], False
        for cell in function.__closure__:
            try:
                held = cell.cell_contents
            except ValueError:  # an empty cell
                cells.append(cell)
                continue
            twin = self.other(held, path, depth + 1)
            moved = isinstance(held, torch.nn.Module | types.FunctionType) and twin is not held
            changed |= moved
            cells.append(types.CellType(twin) if moved else cell)
        if not changed:
            return function
        twin = types.FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__, tuple(cells)
        )
        twin.__kwdefaults__ = function.__kwdefaults__
        return twin

    def _object(self, value: Any, path: str, depth: int) -> Any:
        """Return a copy of an object of the user's that holds modules or tensors of the model."""
        state = getattr(value, "__dict__", None)
        if not state or hasattr(type(value), "__del__") or not self._holds(state, 0):
            return value
        try:
            twin = object.__new__(type(value))
            self.others[id(value)] = twin
            twin.__dict__.update(
                {name: self.other(part, f"{path}.{name}", depth + 1) for name, part in state.items()}
            )
        except Exception:  # a class that cannot be made without its arguments
            self.others[id(value)] = twin = value
        self.kept.append(value)
        return twin

    def _holds(self, tree: Any, depth: int) -> bool:
        if isinstance(tree, torch.nn.Module) or id(tree) in self.tensors:
            return True
        if depth > _DEPTH:
            return False
        if isinstance(tree, dict):
            return any(self._holds(part, depth + 1) for part in tree.values())
        if isinstance(tree, list | tuple):
            return any(self._holds(part, depth + 1) for part in tree)
        return of_user(type(tree)) and self._holds(getattr(tree, "__dict__", None) or {}, depth + 1)


def of_user(kind: type) -> bool:
    """Return whether a class may be a user's own helper, not one of Python's, NumPy's or torch's."""
    root = kind.__module__.partition(".")[0]
    return root not in _FIXED
