"""Class names: where they come from, and finding a class by its name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visioncam_core.errors import OptionError, OptionTypeError, TargetError
from visioncam_core.names import nearest

MAX_BYTES = 1 << 20
MAX_NAMES = 100_000


def load_class_names(source: Any) -> tuple[str, ...] | None:
    """Return class names from a sequence of strings, or from a JSON or text file.

    A text file has one name a line; a JSON file holds a list, or an object from index to name.

    Raises:
        OptionError: a file that does not exist, is too large or holds something else.
        OptionTypeError: neither a sequence of strings nor a path.
    """
    if source is None:
        return None
    if isinstance(source, str | os.PathLike):
        return _read(Path(source))
    if isinstance(source, Sequence) and all(isinstance(name, str) for name in source):
        return tuple(source)
    raise OptionTypeError(
        f"class_names must be a list of strings or the path of a JSON or text file, received {type(source).__name__}"
    )


def _read(path: Path) -> tuple[str, ...]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise OptionError(
                f"class_names file {str(path)!r} is larger than {MAX_BYTES} bytes; is it the right file?"
            )
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(
            f"class_names file {str(path)!r} cannot be read: {error}; pass a JSON or text file"
        ) from error
    if path.suffix.lower() != ".json":
        names = tuple(line.strip() for line in text.splitlines() if line.strip())
    else:
        try:
            names = _from_json(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise OptionError(f"class_names file {str(path)!r} is not usable JSON: {error}") from error
    if not names or len(names) > MAX_NAMES:
        raise OptionError(
            f"class_names file {str(path)!r} holds {len(names)} names; between 1 and {MAX_NAMES} are usable"
        )
    return names


def _from_json(value: Any) -> tuple[str, ...]:
    if isinstance(value, dict):
        pairs = sorted((int(key), name) for key, name in value.items())
        if [key for key, _ in pairs] != list(range(len(pairs))):
            raise ValueError("the object's keys must be the indices 0, 1, 2, …")
        value = [name[-1] if isinstance(name, list) else name for _, name in pairs]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("a list of strings, or an object from index to name, is wanted")
    return tuple(value)


def find_class(name: str, names: Sequence[str] | None) -> int:
    """Return the index of a class by its name.

    A whole name wins; else a synonym between commas ("tabby" finds "tabby, tabby cat"); case does not
    matter.  A name that fits several classes is an error, and so is one that fits none.
    """
    if not names:
        raise TargetError(
            f"class {name!r} was asked for by name, and this model's class names are not known; pass class_names=, "
            "or the class index"
        )
    wanted = name.strip().casefold()
    whole = [i for i, known in enumerate(names) if known.strip().casefold() == wanted]
    found = whole or [i for i, known in enumerate(names) if wanted in _synonyms(known)]
    if len(found) == 1:
        return found[0]
    if found:
        fitting = ", ".join(f"{i} ({names[i]})" for i in found[:5])
        raise TargetError(f"class {name!r} fits {len(found)} classes: {fitting}; pass one index")
    synonyms = {synonym: i for i, known in enumerate(names) for synonym in _synonyms(known)}
    close = [f"{names[synonyms[s]]!r} ({synonyms[s]})" for s in nearest(wanted, sorted(synonyms))[:3]]
    hint = f"; did you mean {', '.join(close)}?" if close else f"; known are {', '.join(names[:5])}, …"
    raise TargetError(f"no class is called {name!r}{hint}")


def _synonyms(name: str) -> list[str]:
    return [part.strip().casefold() for part in name.split(",")]
