"""Values that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def plain(
    value: Any,
    *,
    not_finite: Callable[[float], object] = lambda number: None,
    other: Callable[[Any], object] | None = None,
) -> Any:
    """Return a value that JSON can hold.

    Args:
        value: anything.
        not_finite: makes something of NaN and the infinities, which JSON does not have; None by default.
        other: makes something of a value that JSON has no type for.  By default arrays become lists, and
            what is neither array nor iterable its text.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else not_finite(float(value))

    def each(item: Any) -> Any:
        return plain(item, not_finite=not_finite, other=other)

    if isinstance(value, Mapping):
        return {str(key): each(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [each(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(each, value), key=str)
    if other is not None:
        return other(value)
    if hasattr(value, "tolist"):
        return each(value.tolist())
    return [each(item) for item in value] if isinstance(value, Iterable) else str(value)
