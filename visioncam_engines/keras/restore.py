"""What a layer held before it was called, and putting it back."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

Mine = Callable[[Any], bool]
"""Whether a value was made by the trace that is being written down."""
ABSENT = object()
LEFT_BY_A_CALL = ("_called", "_dropout_mask", "_recurrent_dropout_mask")


@attrs.frozen(eq=False)
class Snapshot:
    """A unit's `__dict__` before a call.

    Attributes:
        state: the dictionary itself.
        attributes: a copy of it.
        contents: its lists, dictionaries and deques, and those inside them, each with a copy of what it
            contained.
    """

    state: dict[str, Any]
    attributes: dict[str, Any]
    contents: tuple[tuple[Any, Any], ...]

    @classmethod
    def of(cls, state: dict[str, Any]) -> Snapshot:
        copies = tuple((c, dict(c) if isinstance(c, dict) else list(c)) for c in _containers(state.values()))
        return cls(state, dict(state), copies)

    def put_back(self, mine: Mine) -> None:
        """Put back what a call leaves behind, and wherever a value of the trace was kept."""
        changed = [k for k, v in self.state.items() if self.attributes.get(k, ABSENT) is not v]
        for name in changed:
            if name in LEFT_BY_A_CALL or _holds(self.state[name], mine):
                put(self.state, name, self.attributes.get(name, ABSENT))
        for container, copy in self.contents:
            if _holds(container, mine):
                _refill(container, copy)

    def left(self, mine: Mine) -> list[str]:
        """Return the names of what a call leaves: values of the trace, their shapes, counts of calls."""
        before = self.attributes.get
        return [
            name
            for name, value in self.state.items()
            if _holds(value, mine)
            or (type(value).__name__ == "TensorShape" and value is not before(name))
            or (type(value) is type(before(name)) is int and value > before(name, value))
        ]

    def put_all_back(self) -> None:
        """Put back whatever is another than it was."""
        for name in [*self.attributes, *self.state]:
            if self.state.get(name, ABSENT) is not self.attributes.get(name, ABSENT):
                put(self.state, name, self.attributes.get(name, ABSENT))
        for container, copy in self.contents:
            if [*map(id, _parts(container))] != [*map(id, _parts(copy))]:
                _refill(container, copy)


def put(state: dict[str, Any], name: str, value: Any) -> None:
    if value is ABSENT:
        state.pop(name, None)
    else:
        state[name] = value


def _bare(value: Any) -> Any:
    """Return the container inside the wrappers that Keras 2 puts around lists and dictionaries."""
    if type(value).__name__ == "_DictWrapper":
        return value.__wrapped__
    return value._storage if type(value).__name__ == "ListWrapper" else value


def _refill(container: Any, copy: Any) -> None:
    """Give a container what it contained, past the tracking of Keras's own kinds."""
    if isinstance(container, dict):
        kind = OrderedDict if isinstance(container, OrderedDict) else dict
        kind.clear(container)
        kind.update(container, copy)
    elif isinstance(container, deque):
        container.clear()
        container.extend(copy)
    else:
        list.__setitem__(container, slice(None), copy)


def _parts(value: Any) -> Iterable[Any]:
    """Return what a container or tuple contains; nothing of anything else."""
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple | deque) else ()


def _within(values: Iterable[Any]) -> Iterator[Any]:
    """Yield values and whatever their lists, dictionaries, deques and tuples contain, each once."""
    waiting, seen = list(values), set()
    while waiting:
        value = _bare(waiting.pop())
        yield value
        if id(value) not in seen:
            seen.add(id(value))
            waiting.extend(_parts(value))


def _containers(values: Iterable[Any]) -> list[Any]:
    found = {id(value): value for value in _within(values) if isinstance(value, list | dict | deque)}
    return list(found.values())


def _holds(value: Any, mine: Mine) -> bool:
    """Whether something a layer keeps for itself (its last attention, say) holds a value of the trace."""
    return any(mine(part) for part in _within([value]))
