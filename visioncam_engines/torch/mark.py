"""What tells a model from one that computes otherwise; read at every call, so it has to be quick.

Read are the modules, the parameters and buffers they hold, their hooks, and whatever a `forward` could read
besides.  Not read is whether the model is in training: it is always explained at rest.
"""

from __future__ import annotations

import functools
import operator
import types
import weakref
from collections import deque
from typing import Any

import attrs
import numpy as np
import torch

from visioncam_core.engine.copies import Twin
from visioncam_core.engine.records import Mark
from visioncam_engines.torch.tape.shadow import of_user, unwrapped

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes, range, slice, type(...), np.dtype,
                    torch.dtype, torch.Size, torch.device, torch.layout, torch.memory_format})  # fmt: skip
_SEQUENCES = (list, tuple, set, frozenset, deque, torch.Size)
_OWN = frozenset({"training", "_parameters", "_buffers", "_modules", "_is_full_backward_hook",
                  "_non_persistent_buffers_set",
                  "_trainer", "_fabric", "_current_fx_name", "_param_requires_grad_state",
                  "_metric_attributes", "_compiler_ctx"})  # fmt: skip
"""What is read in another way, or does not change what a model computes; the last two lines: Lightning's."""
_HOOKS = ("_forward_hooks", "_forward_pre_hooks")
_DEPTH, _MOST = 4, 4096
_SAMPLED = 5
"""Weights whose values are looked at: the last two, and some of the others."""
_NUMPY = (torch.float32, torch.float64)
"""What NumPy has as well, and reads quicker."""
_INSIDE = ("__self__", "__func__", "__wrapped__", "func", "args", "keywords")


@attrs.frozen(eq=False)
class Fingerprint:
    """What is equal as long as a model computes the same.

    Attributes:
        values: compared by value.
        held: weak references to the rest, compared by identity: the number of an object that is gone may be
            given to the next.
    """

    values: list[Any]
    held: list[Any]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Fingerprint)
            and self.values == other.values
            and len(self.held) == len(other.held)
            and all(map(operator.is_, self.held, other.held))
        )

    __hash__ = None  # type: ignore[assignment]


def mark_of(model: Any) -> Any:
    """Return what changes when anything that a call reads is replaced, and a sample of the weights."""
    if isinstance(model, Twin):
        return mark_of(model.original).model
    reading = _Reading()
    reading.module(unwrapped(model))
    return Mark(Fingerprint(reading.values, reading.held), sampled(reading.tensors))


@functools.lru_cache(maxsize=4096)
def _names(layout: tuple[str, ...]) -> tuple[str, ...]:
    """Return the attributes of a module that its `forward` may read."""
    return tuple(name for name in layout if name not in _OWN and "hook" not in name)


class _Reading:
    """One reading of a model."""

    __slots__ = ("held", "seen", "tensors", "values")

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.held: list[Any] = []
        self.tensors: list[Any] = []
        self.seen: set[int] = set()

    def module(self, module: Any) -> None:
        if id(module) in self.seen:
            return
        self.seen.add(id(module))
        state, append = module.__dict__, self.values.append
        self.hold(module)
        if isinstance(module, torch.jit.ScriptModule):
            self.tensors += [*module.parameters(), *module.buffers()]
            return
        names = _names(tuple(state))
        append(names)
        for held in (state["_parameters"], state["_buffers"]):
            for name, tensor in held.items() if held else ():
                if tensor is not None:
                    self.values += (name, id(tensor), tensor.dtype, tensor.device)
                    self.tensors.append(tensor)
        for key in _HOOKS:
            for hook in state[key].values() if state[key] else ():
                self.value(hook, 0)
        for name in names:
            value = state[name]
            kind = type(value)
            if kind in _PLAIN or (kind is tuple and _PLAIN.issuperset(map(type, value))):
                append(value)
            else:
                self.value(value, 0)
        for child in state["_modules"].values():
            if child is not None:
                self.module(child)

    def value(self, value: Any, depth: int) -> None:
        """Add a value: plain ones as they are, what containers and objects hold, the identity of the rest."""
        kind = type(value)
        if kind in _PLAIN:
            self.values.append(value)
        elif isinstance(value, torch.nn.Module):
            self.values.append("module")
            self.module(unwrapped(value))
        elif isinstance(value, torch.Tensor):
            self.hold(value)
            self.values.append((id(value), value.dtype, value.device))
            self.tensors.append(value)
        elif isinstance(value, np.ndarray):
            self.hold(value)
            self.values.append(value.flat[:: max(1, value.size // 256)].tobytes())
        elif depth > _DEPTH or (id(value) in self.seen and kind not in _SEQUENCES):
            self.values.append(id(value))
        elif isinstance(value, dict):
            self.values.append((kind.__name__, len(value)))
            for key, part in list(value.items())[:_MOST]:
                self.value(key, depth + 1)
                self.value(part, depth + 1)
        elif isinstance(value, _SEQUENCES):
            self.values.append((kind.__name__, len(value)))
            parts = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
            for part in parts[:_MOST]:
                self.value(part, depth + 1)
        else:
            self.seen.add(id(value))
            self.other(value, kind, depth)

    def other(self, value: Any, kind: type, depth: int) -> None:
        if kind is not types.MethodType and kind is not functools.partial:
            self.hold(value)
        if kind is types.FunctionType:
            self.hold(value.__code__)
            for cell in value.__closure__ or ():
                try:
                    self.value(cell.cell_contents, depth + 1)
                except ValueError:  # an empty cell
                    self.values.append(None)
            self.value(value.__defaults__, depth + 1)
        elif kind in (types.MethodType, functools.partial):
            for name in _INSIDE:
                self.value(getattr(value, name, None), depth + 1)
        elif of_user(kind) and not isinstance(value, type):
            self.value(getattr(value, "__dict__", None) or {}, depth + 1)

    def hold(self, value: Any) -> None:
        try:
            self.held.append(weakref.ref(value))
        except TypeError:
            self.values.append(id(value))


def sampled(tensors: list[Any]) -> tuple[Any, ...]:
    """Return how often weights were written to, and values of a few, so that another state is seen."""
    try:
        versions = sum([one._version for one in tensors])
    except RuntimeError:  # a tensor made in inference mode has none
        versions = sum(0 if one.is_inference() else one._version for one in tensors)
    picked = [*tensors[:: max(1, len(tensors) // (_SAMPLED - 2))], *tensors[-2:]]
    found: list[Any] = [versions]
    for one in picked:
        if one.is_meta or one.numel() == 0:
            continue
        if one.device.type == "cpu" and one.layout is torch.strided and one.is_contiguous():
            flat = one.detach().reshape(-1)
            if one.dtype not in _NUMPY:
                flat = flat[:: max(1, flat.numel() // 64)].to(torch.float64)
            values = flat.numpy()
            found.append(values[:: max(1, values.size // 64)].tobytes())
        else:
            found.append(one.untyped_storage().data_ptr() if one.layout is torch.strided else id(one))
    return tuple(found)
