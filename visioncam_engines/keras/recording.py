"""The units of a model, and how their outputs are recorded without harm.

A unit is a layer, found recursively, or an operation of a functional graph
such as `x + y`.  While a model is traced, each unit's `call` is shadowed in
the instance's `__dict__`; afterwards the dictionary holds exactly what it held.
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from visioncam_engines.keras.attributes import children
from visioncam_engines.keras.fingerprint import SHADOWED, note_left
from visioncam_engines.keras.restore import ABSENT, Mine, Snapshot, put

_COPIED = ("_losses", "_eager_losses", "_loss_ids")
_TRACING = threading.RLock()


@attrs.frozen
class Call:
    """One call of one unit while tracing: where it happened, and what called it."""

    path: str
    unit: Any
    number: int
    parents: tuple[tuple[Any, int], ...]
    inside: str = ""


def walk(model: Any) -> list[tuple[str, Any]]:
    """Return (path, unit) for every unit below `model`, parents before children, each unit once."""
    found: list[tuple[str, Any]] = []
    seen = {id(model)}
    paths: dict[str, int] = {}

    def descend(parent: Any, prefix: str) -> None:
        for unit in children(parent):
            if id(unit) in seen:
                continue
            seen.add(id(unit))
            path = f"{prefix}/{unit.name}" if prefix else str(unit.name)
            paths[path] = paths.get(path, 0) + 1
            if paths[path] > 1:
                path = f"{path}~{paths[path]}"
            found.append((path, unit))
            descend(unit, path)

    # A Sequential keeps its layers also in `_functional`; that inner model is no unit of its own.
    inner = getattr(model, "_functional", None)
    if inner is not None:
        seen.add(id(inner))
    descend(model, "")
    return found


def _plain(function: Any) -> Any:
    """Return the Python function inside a `tf.function`, so that nothing of ours enters its cache."""
    return getattr(function, "python_function", function)


@contextlib.contextmanager
def recording(
    model: Any,
    inside: Callable[[], str | None],
    mine: Mine,
    on_output: Callable[[Call, Any], Any],
    convert: Callable[[Any], Any] = lambda f: f,
) -> Iterator[None]:
    """Record every unit's output while a model is traced.

    Args:
        model: the model about to be called; its own output is not recorded.
        inside: asked at each call: "" in the trace itself, "a loop" or the like below it, None elsewhere;
            any other caller, thread or trace gets the original `call`.
        mine: whether a value is one of the trace.
        on_output: receives the `Call` and the output, returns what the caller of the unit gets.
        convert: applied to each original `call` first (AutoGraph, where a model needs it).

    Everything is put back when the block ends, also when it fails: what was shadowed, what a call leaves
    behind (`_called`, dropout masks), and values of the trace that a layer kept for itself.
    """
    undo: list[tuple[dict[str, Any], str, Any]] = []
    before: list[tuple[Any, Snapshot]] = []
    counts: dict[int, int] = {}
    stack: list[tuple[Any, int]] = []

    def shadow(state: dict[str, Any], name: str, value: Any) -> None:
        before = state.get(name, ABSENT)
        undo.append((state, name, before))
        SHADOWED.setdefault(id(state), {})[name] = before
        state[name] = value

    def recorded(path: str, unit: Any, original: Any) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            place = inside()
            if place is None:
                return original(*args, **kwargs)
            number = counts.get(id(unit), 0)
            counts[id(unit)] = number + 1
            parents = tuple(stack)
            stack.append((unit, number))
            try:
                output = original(*args, **kwargs)
            finally:
                stack.pop()
            return on_output(Call(path, unit, number, parents, place), output)

        return call

    with _TRACING:
        try:
            for path, unit in [("", model), *walk(model)]:
                state = unit.__dict__
                if state.get("_remat_mode") is not None:
                    shadow(state, "_remat_mode", None)
                before.append((unit, Snapshot.of(state)))
                for name in _COPIED:
                    if name in state:
                        shadow(state, name, copy.copy(state[name]))
                for name in ("call", "quantized_call"):
                    held = getattr(unit, name, None)
                    if held is None:
                        continue
                    original = convert(_plain(held))
                    if path:
                        shadow(state, name, recorded(path, unit, original))
                    elif original is not held:
                        shadow(state, name, original)
            yield
        finally:
            for state, name, value in reversed(undo):
                put(state, name, value)
            for unit, held_before in before:
                SHADOWED.pop(id(unit.__dict__), None)
                note_left(type(unit), held_before.left(mine))
                held_before.put_back(mine)
