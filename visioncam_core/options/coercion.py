"""What a type hint of an option accepts, from Python and from a command line.

Supported: bool, int, float, str, `Literal`, unions, tuples of these; any other
class is checked with `isinstance` and cannot come from a command line.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Literal, Union

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


class MismatchError(Exception):
    """A value that does not fit a type; the message says what would."""


def _arms(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)


def type_name(hint: Any) -> str:
    """Return a type hint in words, such as `"int or None"` or `"tuple (float, float)"`."""
    arms = _arms(hint)
    if len(arms) > 1:
        return " or ".join(type_name(arm) for arm in arms)
    if hint in (None, type(None)):
        return "None"
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return "one of " + ", ".join(repr(arg) for arg in args)
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        return f"tuple of {type_name(args[0])}"
    if origin is tuple:
        return f"tuple ({', '.join(type_name(arg) for arg in args)})"
    return str(getattr(origin or hint, "__name__", hint))


def literal_choices(hint: Any) -> tuple[object, ...] | None:
    """Return the values of `Literal["a", "b"]`, with `None` if the hint allows it; else `None`."""
    values: list[object] = []
    arms = _arms(hint)
    for arm in arms:
        if typing.get_origin(arm) is Literal:
            values.extend(typing.get_args(arm))
        elif arm is type(None) and len(arms) > 1:
            values.append(None)
        else:
            return None
    return tuple(values)


def same(value: object, choice: object) -> bool:
    """Return whether two option values are the same one; `True` is not `1`."""
    return value is choice or (type(value) is type(choice) and value == choice)


def _is_bool(value: object) -> bool:
    kind = type(value)
    return kind is bool or (kind.__module__ == "numpy" and kind.__name__ in ("bool", "bool_"))


def _plain(value: Any, hint: Any) -> object:
    """Return a scalar as plain Python (a NumPy number becomes int or float); bool is no number."""
    if hint is bool and _is_bool(value):
        return bool(value)
    if hint is int and isinstance(value, Integral) and not _is_bool(value):
        return int(value)
    if hint is float and isinstance(value, Real) and not _is_bool(value):
        try:
            return float(value)
        except OverflowError as exc:
            raise MismatchError("a float that fits 64 bits") from exc
    if hint is str and isinstance(value, str):
        return str(value)
    raise MismatchError(type_name(hint))


def _items(values: list[Any], hint: Any, convert: Callable[[Any, Any], object]) -> tuple[object, ...]:
    args = typing.get_args(hint)
    if len(args) == 2 and args[1] is Ellipsis:
        args = (args[0],) * len(values)
    if args and len(args) != len(values):
        raise MismatchError(type_name(hint))
    hints = args or (Any,) * len(values)
    return tuple(convert(value, item) for value, item in zip(values, hints, strict=True))


def coerce(value: Any, hint: Any) -> object:
    """Return the value as a resolved type hint wants it, or raise `MismatchError`, which names the type.

    NumPy numbers become Python's, an int a float where a float is wanted, a list a tuple.
    """
    arms = _arms(hint)
    if len(arms) > 1:
        for arm in arms:
            try:
                return coerce(value, arm)
            except MismatchError:
                continue
        raise MismatchError(type_name(hint))
    origin = typing.get_origin(hint)
    fits = False
    if hint in (Any, object):
        fits = True
    elif hint in (None, type(None)):
        fits = value is None
    elif origin is Literal:
        fits = any(same(value, choice) for choice in typing.get_args(hint))
    elif hint in (bool, int, float, str):
        return _plain(value, hint)
    elif tuple in (origin, hint):
        if isinstance(value, (tuple, list)):
            return _items(list(value), hint, coerce)
    elif isinstance(origin or hint, type):
        fits = isinstance(value, origin or hint)
    else:
        fits = True  # a hint with no run-time check, such as a TypeVar
    if not fits:
        raise MismatchError(type_name(hint))
    return value


def _parse_scalar(text: str, hint: Any) -> object:
    word = text.strip()
    try:
        if hint is bool and word.lower() in _TRUE | _FALSE:
            return word.lower() in _TRUE
        if hint is int:
            return int(word)
        if hint is float:
            return float(word)
    except ValueError as exc:
        raise MismatchError(type_name(hint)) from exc
    if hint is str:
        return text
    if hint in (None, type(None)) and word.lower() == "none":
        return None
    if typing.get_origin(hint) is Literal:
        for choice in typing.get_args(hint):
            if str(choice) == word:
                return choice
    raise MismatchError("true or false" if hint is bool else type_name(hint))


def parse_text(text: str, hint: Any) -> object:
    """Return the value that a command-line string stands for, or raise `MismatchError`.

    `none` is `None` where the hint allows it; the items of a tuple are
    separated by commas; in a union the first type that fits wins, text last.
    """
    arms = _arms(hint)
    if len(arms) > 1:
        for arm in sorted(arms, key=lambda arm: (arm is str, arm is not type(None))):
            try:
                return parse_text(text, arm)
            except MismatchError:
                continue
        raise MismatchError(type_name(hint))
    if tuple in (typing.get_origin(hint), hint):
        inner = text.strip().strip("()[]")
        pieces = [piece.strip() for piece in inner.split(",") if piece.strip()]
        return _items(list(pieces), hint, lambda piece, item: parse_text(piece, str if item is Any else item))
    return _parse_scalar(text, hint)
