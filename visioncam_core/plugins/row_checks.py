"""Checks of the words in a row of the registry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import attrs

from visioncam_core.errors import PluginError
from visioncam_core.text import brief, normalise

CANONICAL = re.compile(r"[a-z0-9]+")
HYPHENATED = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def check_name(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    bare = value.rpartition(":")[2] if isinstance(value, str) else ""
    if not CANONICAL.fullmatch(bare):
        fix = re.sub(r"[^a-z0-9]", "", normalise(str(value)))
        raise PluginError(
            f"{type(instance).__name__}.name must be lower-case letters and digits, received {brief(value)}; "
            f"write {fix or 'mycam'!r} (other spellings are understood; the title may have any)"
        )


def check_line(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str) or not value.strip() or "\n" in value:
        raise PluginError(
            f"{type(instance).__name__}.{attribute.name} must be one line of text, received {brief(value)}"
        )


def check_text(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise PluginError(f"{type(instance).__name__}.{attribute.name} must be text, received {brief(value)}")


def check_texts(instance: object, attribute: attrs.Attribute[Any], value: Iterable[object]) -> None:
    for item in value:
        if not isinstance(item, str) or not item.strip() or ":" in item:
            raise PluginError(
                f"{type(instance).__name__}.{attribute.name} must be words without a colon, "
                f"received {brief(item)}"
            )


def words(value: object) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise PluginError(f"aliases, claims and similar must be a tuple of words, received {brief(value)}")
    return tuple(value)


def word_set(value: object) -> frozenset[str]:
    return frozenset(words(value))
