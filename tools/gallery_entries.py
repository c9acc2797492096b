"""An entry of the gallery: one picture, and the line of Python that makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

import visioncam
from visioncam import Explanation


@attrs.frozen
class Entry:
    """One picture of the gallery.

    Attributes:
        file: its name in the folder.
        title: what it is called.
        words: what there is to see.
        code: the line that makes it.
        save: writes the file.
    """

    file: str
    title: str
    words: str
    code: str
    save: Callable[[Path], Path]

    def markdown(self) -> str:
        """Return its part of the README."""
        picture = f"![{self.title}]({self.file})"
        return f"### {self.title}\n\n{self.words}\n\n```python\n{self.code}\n```\n\n{picture}\n"


def entry(subject: Any, name: str, file: str, title: str, words: str, /, *args: str, **options: Any) -> Entry:
    """Return the entry of one call of `save`, with the code that says the same."""
    written = [*(repr(arg) for arg in args), *(f"{key}={value!r}" for key, value in options.items())]
    code = f"{name}.save({', '.join([repr(file), *written])})"
    return Entry(file, title, words, code, lambda path: subject.save(path, *args, **options))


def explained(*args: Any, **keywords: Any) -> Explanation:
    """Return the explanation of one input."""
    found = visioncam.explain(*args, **keywords)
    assert isinstance(found, Explanation)
    return found
