r"""Lists of pictures: a text file with one path a line, or a CSV file; each row may name its class.

A text line is `path` or `path<TAB>class`.  A CSV file begins with a row of titles, one of which is
image, path, file or filename; another may be class, target or label.  Paths count from the
list's own folder.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator

from visioncam.batch.entry import Entry, Source, file_mark, unique_key
from visioncam_core.errors import ImageError
from visioncam_core.text import brief, index_or_name

IMAGE = ("image", "path", "file", "filename")
CLASS = ("class", "target", "label")


def read_list(path: str) -> Source:
    root = os.path.dirname(path)
    try:
        with open(path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = _csv(file, path) if path.lower().endswith(".csv") else _lines(file)
            return _entries(rows, root)
    except (OSError, csv.Error) as error:
        raise ImageError(f"the list {brief(path)} cannot be read: {error}") from error


def _entries(rows: Iterable[tuple[str, str | None]], root: str) -> Source:
    entries, taken, rows_before, twice = [], set[str](), set[tuple[str, str | None]](), 0
    for name, text in rows:
        if (name, text) in rows_before:
            twice += 1
            continue
        rows_before.add((name, text))
        target = index_or_name(text)
        path = os.path.join(root, name)
        entries.append(
            Entry(unique_key(name.replace(os.sep, "/"), taken), path, file_mark(path, target), target)
        )
    notes = (f"left out {twice} rows that repeat an earlier one",) if twice else ()
    return Source(entries, len(entries), notes)


def _lines(file: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    for line in file:
        name, _, target = line.rstrip("\r\n").partition("\t")
        if name.strip() and not name.startswith("#"):
            yield name.strip(), target.strip() or None


def _csv(file: Iterable[str], path: str) -> Iterator[tuple[str, str | None]]:
    reader = csv.DictReader(file)
    titles = {(title or "").strip().lower(): title for title in reader.fieldnames or ()}
    column = next((titles[name] for name in IMAGE if name in titles), None)
    target = next((titles[name] for name in CLASS if name in titles), None)
    if column is None:
        raise ImageError(
            f"the list {brief(path)} has no picture column; call it one of {', '.join(IMAGE)}: its first row "
            f"is {brief(','.join(reader.fieldnames or ()), 60)}"
        )
    for row in reader:
        name = (row[column] or "").strip()
        if name:
            yield name, ((row[target] or "").strip() or None) if target is not None else None
