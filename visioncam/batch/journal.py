"""The journal of a watched process: which pictures are in work, so that the watchdog knows what killed it.

Both sides share a folder: `orders.json` says which pictures are given up, how many are to be done one at a
time and how long each may take; `journal.json` says which are in work; `late.txt` has the traceback of a
process that took too long and ended itself.
"""

from __future__ import annotations

import faulthandler
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import IO, Any

import attrs
import numpy as np

from visioncam.batch.compute import Computer, Ready
from visioncam.batch.entry import Entry, GivenUpError, ItemTimeoutError
from visioncam.batch.pipeline import Local, Outcome
from visioncam_core.errors import is_full

FOLDER = "VISIONCAM_WATCHED"  # names the shared folder in the child's environment
ORDERS, JOURNAL, LATE = "orders.json", "journal.json", "late.txt"
FIRST = 120.0  # seconds more where the model may have to be traced


@attrs.define(eq=False)
class Journal:
    """The child's end: it notes which pictures are in work, and ends the process where they take too long."""

    shared: Path  # the folder that both sides share
    # "alone", how many pictures; "lost", key -> (kind, message) of an error; "seconds" for each
    orders: dict[str, Any] = attrs.field(init=False)
    _late: IO[bytes] | None = None

    def __attrs_post_init__(self) -> None:
        self.orders = json.loads((self.shared / ORDERS).read_text("ascii"))

    @classmethod
    def of_environment(cls) -> Journal | None:
        shared = os.environ.get(FOLDER)  # set where this process is watched
        return cls(Path(shared)) if shared else None

    def note(self, key: str = "", pictures: int = 1, *, first: bool = False) -> None:
        """Note what is in work from now on: a picture, or with key "" so many of them.

        Where the model may have to be traced, with `first`, they may take longer.
        """
        write_json(self.shared / JOURNAL, {"key": key})
        if self.orders["seconds"] is not None:
            if self._late is None:
                self._late = open(self.shared / LATE, "wb")  # noqa: SIM115 - open until the process ends
            seconds = self.orders["seconds"] * pictures + (FIRST if first else 0.0)
            faulthandler.dump_traceback_later(seconds, exit=True, file=self._late)

    def rest(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        (self.shared / JOURNAL).unlink(missing_ok=True)


@attrs.frozen(eq=False)
class WatchedEngine:
    """An engine that keeps the journal, and works one picture at a time where it is ordered to."""

    local: Local
    journal: Journal

    @property
    def waits(self) -> dict[str, float]:
        return self.local.waits

    def __call__(self, entries: Iterable[Entry], stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """Yield the outcome of each picture; those that are given up are errors."""
        losses = deque[Outcome]()
        left = _without(entries, self.journal.orders["lost"], losses)
        try:
            yield from self._alone(islice(left, self.journal.orders["alone"]), stopped)
            group, batches = self.local.computer.group, 0

            def note() -> None:
                nonlocal batches
                batches += 1
                self.journal.note(pictures=group + 1, first=batches <= 2)

            note()
            for outcome in attrs.evolve(self.local, before_batch=note)(left, stopped):
                yield outcome
                while losses:
                    yield losses.popleft()
            yield from losses
        finally:
            self.journal.rest()

    def _alone(self, entries: Iterable[Entry], stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """Do pictures with nothing else in work, so that the time, and a death, can only be theirs."""
        computer = attrs.evolve(self.local.computer, size=1, smaller=None)
        traced: set[Any] = set()
        for entry in entries:
            if stopped():
                return
            self.journal.note(entry.key)
            try:
                outcome: dict[str, Any] | Exception = self._one(computer, entry, traced)
            except Exception as error:  # as in the pool: a bad picture, or a file that cannot be written
                if is_full(error):
                    raise
                outcome = error
            yield entry, outcome

    def _one(self, computer: Computer, entry: Entry, traced: set[Any]) -> dict[str, Any] | Exception:
        ready = computer.decode(entry)
        if ready.shapes not in traced:
            self.journal.note(entry.key, first=True)
            traced.add(ready.shapes)
            black = tuple(np.zeros_like(x) for x in ready.item.flat)
            computer([Ready(entry, attrs.evolve(ready.item, flat=black, windows=None))])  # not its time
            self.journal.note(entry.key)
        (found,) = computer([ready])
        return found if isinstance(found, Exception) else self.local.writing(ready.entry, found, 1)


def _without(
    entries: Iterable[Entry], lost: Mapping[str, tuple[str, str]], losses: deque[Outcome]
) -> Iterator[Entry]:
    """Yield the pictures that are not given up; the others go into `losses`, with the reason."""
    kinds = {kind.__name__: kind for kind in (GivenUpError, ItemTimeoutError)}
    for entry in entries:
        if entry.key in lost:
            kind, message = lost[entry.key]
            losses.append((entry, kinds[kind](message)))
        else:
            yield entry


def write_json(path: Path, about: Mapping[str, Any]) -> None:
    """Write a small JSON file so that a reader finds the old one or the new one."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(about), "ascii")
    os.replace(half, path)
