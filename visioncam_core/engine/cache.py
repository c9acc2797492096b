"""What is kept of a model as long as it lives and does not change: its traces, and what it says of itself."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.engine.interface import Engine, Traced
from visioncam_core.engine.interrupts import delay_interrupts
from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.engine.records import Mark, Note
from visioncam_core.errors import ModelError

STALE, DIFFERS = "stale-trace", "trace-differs"
MAX_TRACES = 16
"""Kept of one model: inputs of so many shapes are served without another trace."""


@attrs.define(eq=False)
class Entry:
    """What is kept of one model.

    Attributes:
        mark: the engine's name, and its mark of the model.
        weights: its mark of their values.
        traces: the one used last at the end.
        doubted: those that have not been compared with the model since its weights changed.
        found: what `recalled` found out, by name.
        notes: what comparing found, for the reader of the next map.
    """

    mark: tuple[str, object]
    weights: object = None
    traces: list[Traced] = attrs.field(factory=list)
    doubted: list[Traced] = attrs.field(factory=list)
    found: dict[str, Any] = attrs.field(factory=dict)
    notes: list[Note] = attrs.field(factory=list)
    lock: threading.RLock = attrs.field(factory=threading.RLock)

    def drop(self) -> None:
        """Forget everything but the marks."""
        with self.lock:
            self.traces, self.doubted, self.found, self.notes = [], [], {}, []


_ENTRIES: weakref.WeakKeyDictionary[Any, Entry] = weakref.WeakKeyDictionary()
_LOCK = threading.RLock()
_STEADY: ContextVar[tuple[tuple[Any, Entry, dict[Any, Any]], ...]] = ContextVar("steady", default=())
"""Models that this thread has checked and takes as they are, with what was found out meanwhile."""


def open_trace(engine: Engine, model: Any, inputs: ModelInputs, flat: list[Any]) -> Traced:
    """Return the trace of a model for inputs like these, from the cache where it is current.

    The first time after the weights have changed, it is compared with the model's own answer.

    Raises:
        ModelError: the model cannot be called on these inputs.
    """
    entry = entry_of(engine, model)
    with entry.lock:
        found = next((one for one in reversed(entry.traces) if one.fits(flat)), None)
        if any(found is one for one in entry.doubted):
            with contextlib.suppress(Exception):  # what cannot be called by itself is explained all the same
                return compared(engine, model, inputs, [x[:1] for x in flat])[0]
        if found is None:
            with delay_interrupts():
                found = engine.trace(model, inputs, flat)
                entry.traces.append(found)
                entry.mark, entry.weights = _marks(engine, model)  # it is known now what a call leaves behind
            del entry.traces[:-MAX_TRACES]
        elif found is not entry.traces[-1]:
            entry.traces.remove(found)
            entry.traces.append(found)
        return found


def compared(engine: Engine, model: Any, inputs: ModelInputs, flat: list[Any]) -> tuple[Traced, float]:
    """Return the trace of a model, and how far its outputs are from the model's own.

    The model is called and left as it was.  An older trace that answers otherwise is of a model that has
    changed where no mark shows it: all that is kept of the model is dropped, and it is traced again.

    Returns:
        The trace, and the largest difference as a share of the largest value: infinite where only one of them
        is finite, or their shapes differ.
    """
    entry = entry_of(engine, model)
    with entry.lock:
        before, entry.doubted = list(entry.traces), []
        found = open_trace(engine, model, inputs, flat)
        own = engine.call(model, inputs, flat)
        off = difference(own, found.answers(flat))
        if off <= found.tolerance or difference(own, engine.call(model, inputs, flat)) > found.tolerance:
            return found, off  # the model answers at random where it does not agree with itself
        if any(found is one for one in before):
            entry.drop()
            found = open_trace(engine, model, inputs, flat)
            old, off = off, difference(own, found.answers(flat))
            if off <= found.tolerance:
                entry.notes = [(STALE, f"the model had changed unnoticed: its trace was off by {old:.1%}")]
        if off > found.tolerance:
            entry.notes = [(DIFFERS, f"its output differs by {off:.1%} from the model's own, model(image)")]
        return found, off


def difference(own: list[Any], other: list[Any]) -> float:
    """Return the largest difference between outputs, as a share of the largest value."""
    one, two = ([ops.to_numpy(value).astype(np.float64) for value in every] for every in (own, other))
    if [value.shape for value in one] != [value.shape for value in two]:
        return float("inf")
    shares = [
        float(np.abs(a - b).max(initial=0.0) / max(np.abs(a).max(initial=0.0), 1e-30))
        for a, b in zip(one, two, strict=True)
        if not np.array_equal(a, b, equal_nan=True)
    ]
    return max((share if np.isfinite(share) else float("inf") for share in shares), default=0.0)


def notes_of(engine: Engine, model: Any) -> list[Note]:
    """Return what comparing the trace with the model has found; a change of the model only once."""
    entry = entry_of(engine, model)
    found = entry.notes
    entry.notes = [note for note in found if note[0] == DIFFERS]
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


def recalled_while_held(model: Any, key: Any, find: Callable[[], Any]) -> Any:
    """Return what a function finds out about a model's weights: once, as long as this thread holds it."""
    found = next((found for one, _, found in _STEADY.get() if one is model), {})
    if key not in found:
        found[key] = find()
    return found[key]


def entry_of(engine: Engine, model: Any) -> Entry:
    """Return what is kept of a model: a new entry where the model has changed."""
    if (held := _held(engine, model)) is not None:
        return held
    mark, weights = _marks(engine, model)
    with _LOCK:
        entry = _ENTRIES.get(model)
        if entry is None or entry.mark != mark:
            entry = _ENTRIES[model] = Entry(mark, weights)
        elif entry.weights != weights:
            entry.weights = weights
            entry.doubted = [] if any(code == DIFFERS for code, _ in entry.notes) else list(entry.traces)
        return entry


def _held(engine: Engine, model: Any) -> Entry | None:
    """Return what is kept of a model that this thread has checked and takes as it is; None of another."""
    held = (entry for one, entry, _ in reversed(_STEADY.get()) if one is model)
    return next((entry for entry in held if entry.mark[0] == engine.name), None)


def check(engine: Engine, model: Any) -> None:
    """Raise `ModelError` for what is no model, or is not built; one that is held was checked by then."""
    if _held(engine, model) is None:
        engine.check(model)


def _marks(engine: Engine, model: Any) -> tuple[tuple[str, object], object]:
    mark = engine.mark(model)
    model_mark, weights = (mark.model, mark.weights) if isinstance(mark, Mark) else (mark, None)
    return (engine.name, model_mark), weights


def hold(engine: Engine, model: Any) -> None:
    """Take the model as it is until `release`: whether it has changed is found out once.

    Raises:
        ModelError: not a model, or not built.
    """
    check(engine, model)
    _STEADY.set((*_STEADY.get(), (model, entry_of(engine, model), {})))


def release() -> Entry:
    """End the last `hold` of this thread; return what is kept of its model."""
    *outer, (_, entry, _) = _STEADY.get()
    _STEADY.set(tuple(outer))
    return entry


@contextlib.contextmanager
def steady(engine: Engine, model: Any) -> Iterator[None]:
    """Within the block the model stays as it is; see `hold`."""
    hold(engine, model)
    try:
        yield
    finally:
        release()


def check_unchanged(engine: Engine, model: Any, entry: Entry) -> None:
    """Raise `ModelError` where a model that was declared unchanged has changed since."""
    if entry.mark != _marks(engine, model)[0]:
        raise ModelError(
            f"the model {engine.hints(model).title!r} was changed inside `with explainer:`, which declares "
            "that it does not change; maps made after the change may show the old model: change it "
            "outside the block, or call the explainer without one"
        )


def forget(model: Any) -> None:
    """Drop every trace of a model, and what was found out about it."""
    with _LOCK, contextlib.suppress(TypeError):  # what cannot be held weakly was never traced
        entry = _ENTRIES.pop(model, None)
        if entry is not None:
            entry.drop()
