"""What was measured, kept in a file, so that a page can be made of several runs on a busy machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import attrs

from benchmarks.rows import Row

Line = tuple[str, str, str]
"""(tool, work, result) of another library."""


@attrs.frozen
class Group:
    """What one group of the plan gave: rows with limits, or lines about other libraries."""

    rows: tuple[Row, ...] = ()
    lines: tuple[Line, ...] = ()

    @classmethod
    def of(cls, found: list[Row | Line]) -> Group:
        """Return the group of what was measured, rows and lines in any order."""
        rows = tuple(one for one in found if isinstance(one, Row))
        return cls(rows, tuple(one for one in found if not isinstance(one, Row)))


def read(path: str | None) -> dict[str, Group]:
    """Return the groups a file holds; none where there is no file."""
    if path is None or not Path(path).exists():
        return {}
    groups = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        name: Group(tuple(Row(**row) for row in one["rows"]), tuple((a, b, c) for a, b, c in one["lines"]))
        for name, one in groups.items()
    }


def write(path: str | None, groups: Mapping[str, Group]) -> None:
    """Write the groups, or nothing where no file was named."""
    if path is not None:
        text = json.dumps({name: attrs.asdict(group) for name, group in groups.items()}, indent=1)
        Path(path).write_text(text, encoding="utf-8")
