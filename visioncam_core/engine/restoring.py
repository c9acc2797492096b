"""What a layer held before it was called, and putting it back."""

from __future__ import annotations

from typing import Any

import attrs

ABSENT = object()
_LEFT_BY_A_CALL = ("_called", "_dropout_mask", "_recurrent_dropout_mask")


@attrs.frozen(eq=False)
class Held:
    """A unit's `__dict__` before a call.

    Attributes:
        state: the dictionary itself.
        attributes: a copy of it.
        contents: its lists and dictionaries, each with a copy of what it contained.
    """

    state: dict[str, Any]
    attributes: dict[str, Any]
    contents: tuple[tuple[Any, Any], ...]

    @classmethod
    def of(cls, state: dict[str, Any]) -> Held:
        """Remember what `state` holds now."""
        containers = [value for value in map(_bare, state.values()) if isinstance(value, list | dict)]
        copies = tuple((c, dict(c) if isinstance(c, dict) else list(c)) for c in containers)
        return cls(state, dict(state), copies)

    def put_back(self, graph: Any) -> None:
        """Put back what a call leaves behind, and wherever a tensor of `graph` was kept."""
        changed = [k for k, v in self.state.items() if self.attributes.get(k, ABSENT) is not v]
        for name in changed:
            if name in _LEFT_BY_A_CALL or _symbolic(self.state[name], graph):
                put(self.state, name, self.attributes.get(name, ABSENT))
        for container, copy in self.contents:
            if _symbolic(container, graph):
                if isinstance(container, dict):
                    dict.clear(container)
                    dict.update(container, copy)
                else:
                    list.__setitem__(container, slice(None), copy)


def put(state: dict[str, Any], name: str, value: Any) -> None:
    """Set an attribute to what it was, or remove it where it was absent."""
    if value is ABSENT:
        state.pop(name, None)
    else:
        state[name] = value


def _bare(value: Any) -> Any:
    """Return the container inside the wrappers that Keras 2 puts around lists and dictionaries."""
    if type(value).__name__ == "_DictWrapper":
        return value.__wrapped__
    return value._storage if type(value).__name__ == "ListWrapper" else value


def _symbolic(value: Any, graph: Any) -> bool:
    """Whether something a layer keeps for itself (its last attention, say) holds a tensor of the graph."""
    value = _bare(value)
    parts = (
        value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
    )
    return any(getattr(part, "graph", None) is graph for part in parts)
