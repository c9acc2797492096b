"""What comes from strangers: their exceptions as a line of ours, their whole numbers as Python's.

TensorFlow wraps a cause in node names and stack traces, Keras in colours and
lists of arguments; a user needs the sentence in the middle.
"""

from __future__ import annotations

import operator
import os
import re
from pathlib import Path
from typing import Any

from visioncam_core.errors import VisionCamError
from visioncam_core.text import shown

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NODES = re.compile(
    r"\[*\{\{[^}]*\}\}\]*|\[Op:[^\]]*\]|\bname: \S*$|\((?:\w+/)*\w+:\d+\)|\bnode \w+(?:/\w+)+"
)
_FRAMES = ("Graph execution error", "Detected at node", "Exception encountered when calling", "File ", "  ")
_END = ("Arguments received by", "Stack trace for op definition", "Original stack trace")


def said(error: BaseException, limit: int = 120) -> str:
    """Return an exception's kind and what it says, without node names, colours and traces.

    Args:
        error: any exception.
        limit: the longest text after the kind.

    >>> said(ZeroDivisionError("division by zero"))
    'ZeroDivisionError: division by zero'
    """
    kept = []
    for line in _COLOUR.sub("", str(error)).splitlines():
        if line.startswith(_END):
            break
        if line.strip() and not line.startswith(_FRAMES):
            kept.append(_NODES.sub("", line).strip())
    text = " ".join(part for part in kept if part)
    text = text if len(text) <= limit else text[: limit - 1] + "…"
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


def as_path(value: Any, error: type[VisionCamError], type_error: type[VisionCamError]) -> Path:
    """Return a path of the user's, checked before the system sees it.

    Args:
        value: text or a path object.
        error: raised for a path that no system can hold.
        type_error: raised for anything else.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise type_error(
            f"a path is text or a pathlib.Path, received {shown(value, 60)} of type {type(value).__name__}"
        )
    text = os.fspath(value)
    try:
        fits = "\0" not in text and max(map(len, os.fsencode(text).replace(b"\\", b"/").split(b"/"))) < 256
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise error(
            f"the path {shown(text, 60)} cannot exist: it holds a null character or one that cannot be "
            "written, or a name too long for a file; choose another"
        )
    return Path(text)
