"""What a run's folder remembers: `run.json`, `manifest.jsonl` with finished pictures, `errors.jsonl`.

A picture is finished when its line exists *and* its files exist with the sizes in the line.  A line is
written after its files, so anything cut off in between is simply redone.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.entry import Entry
from visioncam.batch.file_names import DIGITS, is_inside
from visioncam.batch.jsonl import Appender, Line, read_lines, write_lines
from visioncam_core.errors import OutputError
from visioncam_core.files import write_bytes

MANIFEST, ERRORS, RUN = "manifest.jsonl", "errors.jsonl", "run.json"
_TEMPORARY = re.compile(r"\.tmp-[0-9a-f]{16}(\.\w+)?")
_SPREAD = re.compile(r"[0-9a-f]{2}")
_RESULT = re.compile(rf".+-[0-9a-f]{{{DIGITS}}}_.+")


@attrs.define(eq=False)
class Manifest:
    """The memory of a run's folder."""

    folder: Path
    finished: dict[str, Line] = attrs.field(factory=dict)  # key -> line of every finished picture
    # key -> line of every picture that failed when last tried
    failed: dict[str, Line] = attrs.field(factory=dict)
    notes: list[str] = attrs.field(factory=list)  # what had to be cleaned
    _lines: Appender = attrs.field(init=False)
    _errors: Appender = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._lines = Appender(self.folder / MANIFEST)
        self._errors = Appender(self.folder / ERRORS)

    @classmethod
    def load(cls, folder: Path) -> Manifest:
        """Read a folder; nothing in it is changed."""
        self = cls(folder)
        lines, torn = read_lines(folder / MANIFEST)
        failures, more = read_lines(folder / ERRORS)
        if torn + more:
            self.notes.append(f"dropped {torn + more} torn lines")
        if not lines and folder.is_dir() and self._results():
            why = "the manifest is empty" if (folder / MANIFEST).exists() else "there is no manifest"
            self.notes.append(f"{why}: everything is redone")
        self.finished = {str(line["key"]): line for line in lines if "key" in line}
        self.failed = {str(line["key"]): line for line in failures if "key" in line}
        return self

    def clean(self, again: Collection[str] = ()) -> None:
        """Make the files true, and delete what a killed run left; only the lock's owner may.

        Args:
            again: finished pictures to do again; their lines go.
        """
        lines, torn = read_lines(self.folder / MANIFEST)
        incomplete = [key for key, line in self.finished.items() if not self._present(line)]
        if incomplete:
            self.notes.append(f"{len(incomplete)} finished pictures have lost a file and are redone")
        for key in {*incomplete, *again}:
            self.finished.pop(key, None)
        if len(lines) != len(self.finished) or torn:
            write_lines(self.folder / MANIFEST, self.finished.values())
        self.failed = {key: line for key, line in self.failed.items() if key not in self.finished}
        self._write_errors()
        swept = self._sweep()
        if swept:
            self.notes.append(f"removed {swept} temporary files left by a run that was killed")

    def done(self, entry: Entry, line: Line) -> None:
        """Note that a picture is finished; its files must be there already."""
        self._lines.add(line)
        self.finished[entry.key] = line
        self.failed.pop(entry.key, None)

    def fail(self, entry: Entry, line: Line) -> None:
        self._errors.add(line)
        self.failed[entry.key] = line

    def sync(self) -> None:
        self._lines.sync()

    def close(self) -> None:
        """Close the files; `errors.jsonl` then tells each failed picture once, and none that worked since."""
        self._lines.close()
        self._errors.close()
        self._sweep()  # of a worker that was killed
        with suppress(OutputError):  # a full disk: it only tells a picture twice
            self._write_errors()

    def run(self) -> dict[str, Any] | None:
        """Return what `run.json` says; None where there is none that can be read."""
        try:
            found = json.loads((self.folder / RUN).read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        facts = found.get("facts")
        if isinstance(facts, dict) and "class" in facts:  # its name in runs before 1.0
            facts.setdefault("target", facts.pop("class"))
        return found

    def write_run(self, about: dict[str, Any]) -> None:
        write_bytes(self.folder / RUN, json.dumps(about, indent=2).encode("ascii") + b"\n")

    def set_aside(self, mark: str) -> None:
        """Keep the old manifest under another name, and begin with none."""
        os.replace(self.folder / MANIFEST, self._aside(mark))
        self.finished.clear()

    def bring_back(self, mark: str) -> None:
        os.replace(self._aside(mark), self.folder / MANIFEST)

    def _aside(self, mark: str) -> Path:
        return self.folder / f"manifest-{mark}.jsonl"

    def _present(self, line: Line) -> bool:
        files = line.get("files")
        if not isinstance(files, dict) or not files:
            return False
        try:
            return all(
                is_inside(name) and os.stat(self.folder / name, follow_symlinks=False).st_size == size
                for name, size in files.items()
            )
        except (OSError, ValueError):
            return False

    def _write_errors(self) -> None:
        path = self.folder / ERRORS
        if self.failed:
            lines, torn = read_lines(path)
            if torn or lines != list(self.failed.values()):
                write_lines(path, self.failed.values())
        else:
            path.unlink(missing_ok=True)

    def _sweep(self) -> int:
        count = 0
        for folder in self._folders():
            for path in list(folder.iterdir()):
                if _TEMPORARY.fullmatch(path.name):
                    path.unlink()
                    count += 1
        return count

    def _results(self) -> bool:
        return any(_RESULT.fullmatch(path.name) for one in self._folders() for path in one.iterdir())

    def _folders(self) -> list[Path]:
        """Return the folders that results are in; no link, which may lead out of them."""
        spread = (one for one in self.folder.iterdir() if _SPREAD.fullmatch(one.name))
        return [one for one in (self.folder, *spread) if one.is_dir() and not one.is_symlink()]
