"""Options as text: for flags, forms and documents."""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, Union

from visioncam_core.options.fields import OptionInfo


def textual(hint: Any) -> bool:
    """Return whether values of this type can be written on a command line."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(textual(arm) for arm in args if arm is not type(None))
    if origin is tuple:
        return all(textual(arm) for arm in args if arm is not Ellipsis)
    return origin is Literal or hint in (bool, int, float, str, None, type(None))


def values_of(info: OptionInfo) -> str:
    """Return how an option's values are written, such as `FLOAT`, `INT,INT` or `red|blue`."""
    return "|".join(map(written_default, info.choices)) if info.choices else _metavar(info.type)


_WORDS = {int: "INT", float: "FLOAT", str: "TEXT", bool: "yes|no", type(None): "none"}


def _metavar(hint: Any) -> str:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        written = [arm for arm in args if arm in _WORDS or typing.get_origin(arm) in (tuple, Literal)]
        return "|".join(map(_metavar, written))  # an array or a dict is not written
    if origin is Literal:
        return "|".join(map(written_default, args))
    if origin is tuple and args[-1:] == (Ellipsis,):
        return f"{_metavar(args[0])},…"
    if origin is tuple:
        return ",".join(map(_metavar, args))
    return _WORDS.get(hint, "none")


def written_default(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
