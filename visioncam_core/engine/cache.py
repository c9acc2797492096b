"""What is kept of a model as long as it lives and does not change: its traces, and what it says of itself."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import attrs

from visioncam_core.engine.interface import Engine, Traced
from visioncam_core.engine.interrupts import delay_interrupts
from visioncam_core.engine.model_inputs import ModelInputs

MAX_TRACES = 16
"""Kept of one model: inputs of so many shapes are served without another trace."""


@attrs.define(eq=False)
class Entry:
    """What is kept of one model.

    Attributes:
        mark: the engine's name, and its mark of the model.
        traces: the one used last at the end.
        found: what `recalled` found out, by name.
    """

    mark: object
    traces: list[Traced] = attrs.field(factory=list)
    found: dict[str, Any] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)


_ENTRIES: weakref.WeakKeyDictionary[Any, Entry] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()
_STEADY: ContextVar[tuple[Any, Entry] | None] = ContextVar("steady", default=None)


def open_trace(engine: Engine, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
    """Return the trace of a model for inputs like these, from the cache where it is current.

    Raises:
        ModelError: the model cannot be called on these inputs.
    """
    entry = entry_of(engine, model)
    with entry.lock:
        found = next((one for one in reversed(entry.traces) if one.fits(flat)), None)
        if found is None:
            with delay_interrupts():
                found = engine.trace(model, inputs, flat)
                entry.traces.append(found)
            del entry.traces[:-MAX_TRACES]
        elif found is not entry.traces[-1]:
            entry.traces.remove(found)
            entry.traces.append(found)
        return found


def recalled(engine: Engine, model: Any, **finds: Callable[[], Any]) -> list[Any]:
    """Return what each function finds out about a model, from memory where the model has not changed.

    What the functions, each under its name, return must not hold the model, which is only weakly held.
    """
    found = entry_of(engine, model).found
    for name, find in finds.items():
        if name not in found:
            found[name] = find()
    return [found[name] for name in finds]


def entry_of(engine: Engine, model: Any) -> Entry:
    """Return what is kept of a model: a new entry where the model has changed."""
    held = _STEADY.get()
    if held is not None and held[0] is model:
        return held[1]
    mark = (engine.name, engine.mark(model))
    with _LOCK:
        entry = _ENTRIES.get(model)
        if entry is None or entry.mark != mark:
            entry = _ENTRIES[model] = Entry(mark)
        return entry


@contextlib.contextmanager
def steady(engine: Engine, model: Any) -> Iterator[None]:
    """Within the block the model stays as it is: whether it has changed is found out once.

    Raises:
        ModelError: not a model, or not built.
    """
    engine.check(model)
    token = _STEADY.set((model, entry_of(engine, model)))
    try:
        yield
    finally:
        _STEADY.reset(token)


def forget(model: Any) -> None:
    """Drop every trace of a model, and what was found out about it."""
    with _LOCK, contextlib.suppress(TypeError):  # what cannot be held weakly was never traced
        _ENTRIES.pop(model, None)
