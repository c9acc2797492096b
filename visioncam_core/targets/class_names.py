"""Class names: where they come from, and finding a class by its name."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visioncam_core.errors import OptionError, OptionTypeError, TargetError, TargetTypeError
from visioncam_core.text import brief, error_text, nearest

MAX_BYTES = 1 << 20
MAX_NAMES = 100_000


def load_class_names(source: Any) -> tuple[str, ...] | None:
    """Return class names from a sequence of strings, or from a JSON or text file.

    A text file has one name per line; a JSON file holds a list, or an object from index to name or, as Keras'
    `class_indices`, from name to index.  An object may also be passed directly, and so may a NumPy array of
    strings.

    Raises:
        OptionError: a file that does not exist, is too large or holds something else.
        OptionTypeError: neither a sequence of strings nor a path.
    """
    if source is None:
        return None
    if isinstance(source, str | os.PathLike):
        return _read(os.fspath(source))
    if isinstance(source, np.ndarray) and source.ndim == 1:
        source = source.tolist()
    try:
        names = None if isinstance(source, bytes | bytearray) else _names(source)
    except ValueError as error:
        raise OptionTypeError(f"class_names={brief(source, 60)} cannot be used: {error}") from error
    if names is None:
        raise OptionTypeError(
            f"class_names must be a list of strings or the path of a JSON or text file, received "
            f"{brief(source, 60)} of type {type(source).__name__}"
        )
    return _counted(names, "class_names")


def _read(path: str | bytes) -> tuple[str, ...]:
    file = Path(os.fsdecode(path))
    what = f"class_names file {brief(str(file), 90)}"
    try:
        if not file.is_file():
            why = "is a folder or not a regular file" if file.exists() else "does not exist"
            raise OptionError(f"{what} {why}; pass a JSON or text file, or a list of strings")
        if file.stat().st_size > MAX_BYTES:
            raise OptionError(f"{what} is larger than {MAX_BYTES} bytes; is it the right file?")
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, OptionError):
            raise
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error_text(error, 60)
        raise OptionError(f"{what} cannot be read: {reason}; pass a JSON or text file") from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip())
    if file.suffix.lower() == ".json":
        try:
            found = _names(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise OptionError(
                f"{what} is not usable: {error_text(error)}; write a list of strings"
            ) from error
        if found is None:
            raise OptionError(f"{what} is not usable: it contains neither a list of strings nor an object")
        names = found
    return _counted(names, what)


def _counted(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    if not 1 <= len(names) <= MAX_NAMES:
        raise OptionError(f"{what} holds {len(names)} names; it must have between 1 and {MAX_NAMES}")
    return names


def _names(value: Any) -> tuple[str, ...] | None:
    """Return names from a list, or a mapping of index to name, to a list ending in it, or back; or None."""
    if isinstance(value, Mapping):
        if value and all(type(index) is int or isinstance(index, np.integer) for index in value.values()):
            names = {int(index): name for name, index in value.items()}
            if len(names) < len(value):
                raise ValueError("two names have the same index")
            value = names
        keys = [str(key) for key in value]
        if sorted(keys, key=lambda key: (len(key), key)) != [str(i) for i in range(len(keys))]:
            raise ValueError("the class indices must be 0, 1, 2, ... without a gap")
        by_index = {str(key): name for key, name in value.items()}
        ordered = [by_index[str(i)] for i in range(len(keys))]
        value = [name[-1] if isinstance(name, list | tuple) and name else name for name in ordered]
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return None
    for position, name in enumerate(value):
        if not isinstance(name, str):
            raise ValueError(f"entry {position} is {brief(name, 40)}, and every name must be text")
    return tuple(value)


def find_class(name: str, names: Sequence[str] | None) -> int:
    """Return the index of a class by its name.

    A whole name wins; else a synonym between commas ("tabby" finds "tabby, tabby cat"); case does not
    matter.  A name that fits several classes is an error, and so is one that fits none.
    """
    if re.fullmatch(r"\d+(\s*,\s*\d+)+", name) and name not in (names or ()):
        raise TargetError(
            f"{brief(name, 60)} names several classes, but only one fits here; pass one index, or "
            f"all to visioncam.compare as targets=[{name}]"
        )
    if not names:
        raise TargetError(
            f"class {brief(name, 60)} was given by name, but this model's class names are not known; "
            "pass class_names=, or the class index"
        )
    folded = name.strip().casefold()
    whole = [i for i, known in enumerate(names) if known.strip().casefold() == folded]
    found = whole or [i for i, known in enumerate(names) if folded in _synonyms(known)]
    if len(found) == 1:
        return found[0]
    if found:
        fitting = ", ".join(f"{i} ({_short(names[i])})" for i in found[:5])
        raise TargetError(f"class {brief(name, 60)} fits {len(found)} classes: {fitting}; pass one index")
    synonyms = {synonym: i for i, known in enumerate(names) for synonym in _synonyms(known)}
    near = nearest(folded, sorted(synonyms)) if folded else []
    indices = dict.fromkeys(synonyms[synonym] for synonym in near)  # one class may be near by several names
    close = [f"{_short(names[i])!r} ({i})" for i in indices]
    few = ", ".join(repr(_short(known)) for known in names[:3]) + ", ..." * (len(names) > 3)
    hint = f"; did you mean {', '.join(close)}?" if close else f"; known: {few}"
    raise TargetError(f"there is no class {brief(name, 60)}{hint}")


def check_index(index: Any, classes: int) -> None:
    """Raise an error unless `index` is one of the classes, 0 to `classes` - 1."""
    if isinstance(index, bool) or not isinstance(index, int | np.integer):
        raise TargetTypeError(
            f"a class index is a whole number, received {brief(index)} of type {type(index).__name__}"
        )
    if not classes:
        raise TargetError(
            f"class {int(index)} was requested, but the output has no values for this picture, such as a "
            "detector that finds nothing; pass another picture, or output="
        )
    if not 0 <= index < classes:
        raise TargetError(
            f"class index {brief(int(index))} is out of range: the model has {classes} "
            f"class{'es' if classes != 1 else ''}, 0 to {classes - 1}"
        )


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"


def _synonyms(name: str) -> list[str]:
    return [part.strip().casefold() for part in name.split(",")]
