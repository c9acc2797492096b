"""Docstrings as Markdown: their sections, their entries, tables."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

SECTION = re.compile(r"^(Notes|Differences|References|Args|Attributes|Returns|Raises):$", re.MULTILINE)
ENTRY = re.compile(r"^(\*{0,2}[\w, ]+?): ", re.MULTILINE)


def sections(thing: Any) -> dict[str, str]:
    """Return a docstring's sections by heading, dedented; what comes before the first is at ""."""
    parts = SECTION.split(inspect.getdoc(thing) or "")
    named = {"": parts[0].strip()}
    return named | {parts[i]: inspect.cleandoc(parts[i + 1]) for i in range(1, len(parts), 2)}


def entries(text: str) -> list[tuple[str, str]]:
    """Return the (name, description) pairs of an `Args:` or `Attributes:` section."""
    parts = ENTRY.split(text)
    return [(parts[i].lstrip("*"), " ".join(parts[i + 1].split())) for i in range(1, len(parts), 2)]


def prose(text: str) -> str:
    """Return text as one line of Markdown; outside code, angles and asterisks that emphasise nothing stay."""
    pieces = " ".join(text.split()).split("`")
    pieces[::2] = [re.sub(r"(\*[\w ]+\*)|([*<])", _escape, piece) for piece in pieces[::2]]
    return "`".join(pieces)


def _escape(found: re.Match[str]) -> str:
    return found[1] or "\\" + found[2]


def table(header: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; a bar within a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
