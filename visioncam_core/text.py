"""Names people type: one spelling to compare by, and help when one is unknown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from visioncam_core.errors import NameNotFoundError

_DROPPED = re.compile(r"[\s_\-\u00ad\u2010-\u2015\u2212]+")
_LISTED = 20


def normalise(name: str) -> str:
    """Return the form in which names are compared.

    Upper and lower case, spaces, underscores and dashes of every kind (papers
    print several) do not count, and `++` reads as `plusplus`.

    Args:
        name: what the user wrote, such as `"Grad-CAM++"`.

    Returns:
        The canonical form, such as `"gradcamplusplus"`.
    """
    return _DROPPED.sub("", name.lower()).replace("++", "plusplus")


def nearest(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Return the candidates a user most likely meant, best first.

    Args:
        name: what the user wrote.
        candidates: the names that exist.
        limit: the most to return.

    Returns:
        At most `limit` of the candidates as they are spelled; empty when none is near.
    """
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


def listing(values: Sequence[object]) -> str:
    """Return the values in one line, cut after twenty."""
    text = ", ".join(repr(value) for value in values[:_LISTED])
    left = len(values) - _LISTED
    return f"{text} and {left} more" if left > 0 else text or "none"


def shown(value: object, limit: int = 120) -> str:
    """Return a value for an error message: its `repr` on one line, never longer than `limit`."""
    try:
        text = " ".join(repr(value).split())
    except Exception as exc:
        text = f"<{type(value).__name__} whose repr raises {type(exc).__name__}>"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def not_found(kind: str, name: str, candidates: Sequence[str], also: Iterable[str] = ()) -> NameNotFoundError:
    """Return (not raise) the error for an unknown name.

    Args:
        kind: what was looked for, such as `"method"`.
        name: what the user wrote.
        candidates: the names that exist; they are listed.
        also: further names that work, such as aliases; offered when near, not listed.

    Returns:
        An error that names the value, the nearest names and the known ones.
    """
    hint = did_you_mean(name, [*candidates, *also]) or ";"
    return NameNotFoundError(f"unknown {kind} {shown(name, 60)}{hint} known: {listing(candidates)}")
