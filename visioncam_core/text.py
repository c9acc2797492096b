"""Names people type: one spelling to compare by, and help when one is unknown."""

from __future__ import annotations

import difflib
import operator
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from visioncam_core.errors import NameNotFoundError, TargetError

_DROPPED = re.compile(r"[\s_\-\u00ad\u2010-\u2015\u2212]+")
_LISTED = 20
_FEW = 9  # in an error, where the nearest names stand already


def normalise(name: str) -> str:
    """Return the form in which names are compared: `"Grad-CAM++"` is `"gradcamplusplus"`.

    Upper and lower case, spaces, underscores and dashes of every kind (papers print several) do not count.
    """
    return _DROPPED.sub("", name.lower()).replace("++", "plusplus")


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Return the candidates a user most likely meant as they are spelled, best first, at most `limit`."""
    spelled: dict[str, str] = {}
    for candidate in candidates:
        spelled.setdefault(normalise(candidate), candidate)
    key = normalise(name)
    close = difflib.get_close_matches(key, spelled, n=limit, cutoff=0.6)
    if len(key) > 2:
        close += [other for other in spelled if key in other and other not in close]
    return [spelled[other] for other in close[:limit]]


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return `"; did you mean 'a' or 'b'?"`, or nothing when no candidate is near."""
    close = nearest(name, candidates)
    return f"; did you mean {' or '.join(repr(other) for other in close)}?" if close else ""


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def listing(values: Sequence[object], most: int = _LISTED) -> str:
    """Return the values in one line, cut after so many."""
    text = ", ".join(repr(value) for value in values[:most])
    left = len(values) - most
    return f"{text} and {left} more" if left > 0 else text or "none"


def brief(value: object, limit: int = 120) -> str:
    """Return a value for an error message: its `repr` on one line, never longer than `limit`."""
    try:
        text = " ".join(repr(value).split())
    except Exception as exc:
        text = f"<{type(value).__name__} whose repr raises {type(exc).__name__}>"
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def not_found(
    kind: str, name: str, candidates: Sequence[str], also: Iterable[str] = (), hint: str = ""
) -> NameNotFoundError:
    """Return (not raise) the error for an unknown name, with the nearest names and the known ones.

    Args:
        kind: what was looked for, such as `"method"`.
        name: what the user wrote.
        candidates: the names that exist; they are listed.
        also: further names that work, such as aliases; offered when near, not listed.
        hint: what to do, where that is known, in place of the nearest names: `"; take 'lime'"`.
    """
    hint = f"{hint};" if hint else did_you_mean(name, [*candidates, *also]) or ";"
    return NameNotFoundError(f"unknown {kind} {brief(name, 60)}{hint} known: {listing(candidates, _FEW)}")


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NODES = re.compile(
    r"\[*\{\{[^}]*\}\}\]*|\[Op:[^\]]*\]|\bname: \S*$|\((?:\w+/)*\w+:\d+\)|\bnode \w+(?:/\w+)+"
)
_FRAMES = ("Graph execution error", "Detected at node", "Exception encountered when calling", "File ", "  ")
_END = ("Arguments received by", "Stack trace for op definition", "Original stack trace")


def error_text(error: BaseException, limit: int = 120) -> str:
    """Return an exception's kind and what it says, at most `limit`, without node names, colours and traces.

    >>> error_text(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    lines = []
    for line in _COLOUR.sub("", str(error)).splitlines():
        if line.startswith(_END):
            break
        if line.strip() and not line.startswith(_FRAMES):
            lines.append(_NODES.sub("", line).strip())
    text = _cut(" ".join(filter(None, lines)), limit)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def whole(value: Any) -> int | None:
    """Return a whole number of any library as an int; None for everything else, booleans included.

    >>> whole(7), whole(True), whole(1.0)
    (7, None, None)
    """
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except (TypeError, AttributeError):  # a tensor of floats asks its value for what that does not have
        return None


_UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line and paragraph separators
_TURNS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")  # marks that reverse text


def clean(text: object) -> str:
    r"""Return text without control characters and marks that reverse it; line breaks become spaces.

    >>> clean("a\x1b[31mb\nc")
    'a[31mb c'
    """
    spaced = re.sub(r"[\t\n\r\v\f\x85\u2028\u2029]+", " ", str(text))
    return _TURNS.sub("", "".join(c for c in spaced if unicodedata.category(c) not in _UNSEEN))


def index_or_name(text: str | None) -> int | str | None:
    """Return a whole number as such, any other text as it is."""
    if text is None or not re.fullmatch(r"[+-]?[0-9]+", text):
        return text
    if len(text) > 1000:
        raise TargetError(
            f"the index {text[:20]}… has {len(text)} digits; no model has so many classes or layers"
        )
    return int(text)
