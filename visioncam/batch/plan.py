"""What is to be done in a run's folder: what is finished, what changed, what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.entry import Entry, Source
from visioncam.batch.fingerprint import Facts, changes, completed, mark_of
from visioncam.batch.manifest import MANIFEST, Manifest
from visioncam.batch.summary import Summary
from visioncam_core.errors import OutputError
from visioncam_core.text import brief

KIND = "visioncam batch"
MOST_NAMED = 5


@attrs.define(eq=False)
class Plan:
    """What is to be done."""

    source: Source
    manifest: Manifest  # what the folder remembers; its lock must be held
    facts: Facts  # of the request
    force: bool = False  # do again what is finished, where model, method, option or picture changed
    batch: int = 8  # pictures in a pass
    again: str = ""  # what `force` does again, in words
    # "source" and "model" -> where they are, seen from the folder
    places: Mapping[str, str] = attrs.field(factory=dict)
    _before: dict[str, Any] | None = None
    _aside: str = ""

    def prepare(self) -> None:
        """Refuse what does not belong into this folder, and clean it.

        Raises:
            OutputError: model, method, option or a finished picture changed, and not `force`.
        """
        before = self._before = self.manifest.run()
        if before is not None and isinstance(before.get("facts"), dict):
            self._check_request(completed(before["facts"]))
        elif self.manifest.finished:
            self.manifest.notes.append("run.json is missing; finished pictures are kept as they are")
        again = self._changed()
        self.manifest.clean(again)
        remembered = before.get("batch") if before and before.get("asked") == self.batch else None
        if isinstance(remembered, int) and 0 < remembered < self.batch:
            self.manifest.notes.append(f"batches of {remembered}, because memory ran out earlier")
            self.remember(remembered)
        else:
            self.remember(self.batch)

    def take_back(self) -> None:
        """Undo `force`: the model could not be opened, and no file was touched."""
        if self._aside and self._before is not None:
            self.manifest.bring_back(self._aside)
            self.manifest.write_run(self._before)

    @property
    def size(self) -> int:
        """The batch size that memory allowed so far."""
        return int((self.manifest.run() or {}).get("batch", self.batch))

    def remember(self, size: int) -> None:
        """Write down the request, and the batch size that works."""
        about: dict[str, Any] = {"kind": KIND, "fingerprint": mark_of(self.facts), "facts": self.facts}
        about |= {"places": dict(self.places)} if self.places else {}
        self.manifest.write_run(about | {"asked": self.batch, "batch": size})

    def open_entries(self, summary: Summary) -> Iterator[Entry]:
        """Yield the pictures that are to be done; the others are counted.

        Raises:
            OutputError: a finished picture of an iterable has changed.
        """
        for place, picture in enumerate(self.source.entries):
            entry = attrs.evolve(picture, place=place)
            line = self.manifest.finished.get(entry.key)
            if line is None:
                yield entry
            elif line.get("seen") == entry.mark:
                summary.skipped += 1
            elif self.force:
                self.manifest.clean([entry.key])
                yield entry
            else:
                raise OutputError(_refusal(self.manifest, [f"picture {brief(entry.key, 60)}"], 1))

    def _check_request(self, before: Facts) -> None:
        different = changes(before, completed(self.facts))
        count = len(self.manifest.finished)
        if not different or not count:
            return
        if not self.force:
            raise OutputError(_refusal(self.manifest, different, count))
        self.again = f"{count} finished pictures are redone; changed: {'; '.join(different)}"
        self._aside = mark_of(before)
        self.manifest.set_aside(self._aside)

    def _changed(self) -> list[str]:
        if not isinstance(self.source.entries, list):
            return []
        finished = self.manifest.finished
        found = [
            entry.key
            for entry in self.source.entries
            if entry.key in finished and finished[entry.key].get("seen") != entry.mark
        ]
        if found and not self.force:
            raise OutputError(
                _refusal(self.manifest, [f"picture {brief(key, 60)}" for key in found], len(found))
            )
        if found:
            self.again = f"{len(found)} changed pictures are redone: {_some(found)}"
        return found


def _refusal(manifest: Manifest, different: list[str], count: int) -> str:
    return (
        f"{str(manifest.folder / MANIFEST)!r} holds results of another run; changed: {_some(different)}. "
        f"Choose another folder with -o, or pass --force (force=True) to do {count} finished "
        f"picture{'s' if count != 1 else ''} again"
    )


def _some(texts: Iterable[str]) -> str:
    every = list(texts)
    more = f" and {len(every) - MOST_NAMED} more" if len(every) > MOST_NAMED else ""
    return "; ".join(every[:MOST_NAMED]) + more


def places_of(folder: Path, **paths: str | None) -> dict[str, str]:
    """Return paths relative to a folder, to be stored in it; those that hold the user's name are left out.

    >>> places_of(Path("/data/maps"), source="/data/photos", model=None)
    {'source': '../photos'}
    """
    found = {}
    for name, path in paths.items():
        with suppress(ValueError):  # on another drive
            relative = os.path.relpath(os.path.abspath(path), os.path.abspath(folder)) if path else ""
            if relative and Path.home().name not in Path(relative).parts:
                found[name] = relative
    return found
