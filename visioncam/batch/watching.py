"""A run in a watched process: it says what it has in hand, so that whoever watches knows what it died of.

Both sides meet in a folder of the watching process: `asked.json` says which pictures are given up and how
many are to be done one at a time; `beat.json` says what is in hand, and how long that may take.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.batch.compute import Computer, Ready
from visioncam.batch.entry import Entry, GivenUpError, ItemTimeoutError
from visioncam.batch.pipeline import Local
from visioncam_core.files import is_full

ROOM = "VISIONCAM_WATCHED"  # names the folder in the watched process
ASKED, BEAT = "asked.json", "beat.json"
Outcome = tuple[Entry, dict[str, Any] | Exception]


@attrs.define(eq=False)
class Watch:
    """The watched process's end.

    Attributes:
        room: the folder where both sides meet.
    """

    room: Path
    _number: int = 0

    @classmethod
    def of_environment(cls) -> Watch | None:
        """Return it where this process is watched, else None."""
        room = os.environ.get(ROOM)
        return cls(Path(room)) if room else None

    def asked(self) -> dict[str, Any]:
        """Return what is asked: "alone", how many pictures; "lost", key -> (kind, message) of an error."""
        found: dict[str, Any] = json.loads((self.room / ASKED).read_text("ascii"))
        return found

    def beat(self, key: str = "", pictures: int = 1, *, first: bool = False) -> None:
        """Say what is in hand now; the time it may take counts from here.

        Args:
            key: the only picture in hand, or "" for several.
            pictures: for how many the time is allowed.
            first: the model may have to be traced.
        """
        self._number += 1
        put(self.room / BEAT, {"number": self._number, "key": key, "pictures": pictures, "first": first})

    def rest(self) -> None:
        """Say that nothing is in hand."""
        (self.room / BEAT).unlink(missing_ok=True)


@attrs.frozen(eq=False)
class Watched:
    """An engine that says what it has in hand, and works one picture at a time where it is asked to.

    Attributes:
        local: does the work.
        watch: whom it is said.
    """

    local: Local
    watch: Watch

    def __call__(self, entries: Iterable[Entry], stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """Yield what each picture came to; those that are given up are errors.

        Raises:
            OSError: the disk is full.
        """
        asked = self.watch.asked()
        lost, gone = asked["lost"], deque[Outcome]()
        left = _without(entries, lost, gone)
        try:
            yield from self._alone(islice(left, asked["alone"]), stopped)
            group, begun = self.local.computer.group, 0

            def beat() -> None:
                nonlocal begun
                begun += 1
                self.watch.beat(pictures=group + 1, first=begun <= 2)

            beat()
            for outcome in attrs.evolve(self.local, beat=beat)(left, stopped):
                yield outcome
                while gone:
                    yield gone.popleft()
            yield from gone
        finally:
            self.watch.rest()

    def _alone(self, entries: Iterable[Entry], stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """Work through pictures with nothing else in hand, so that the time and a death are the picture's."""
        computer = attrs.evolve(self.local.computer, size=1, smaller=None)
        traced: set[Any] = set()
        for entry in entries:
            if stopped():
                return
            self.watch.beat(entry.key)
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
            self.watch.beat(entry.key, first=True)
            traced.add(ready.shapes)
            computer([_blank(ready)])  # tracing is the model's time, not the picture's
            self.watch.beat(entry.key)
        (found,) = computer([ready])
        return found if isinstance(found, Exception) else self.local.writing(ready.entry, found, 1)


def put(path: Path, about: Mapping[str, Any]) -> None:
    """Write a small JSON file so that a reader finds the old one or the new one."""
    half = path.with_suffix(".half")
    half.write_text(json.dumps(about), "ascii")
    os.replace(half, path)


def _without(
    entries: Iterable[Entry], lost: Mapping[str, tuple[str, str]], gone: deque[Outcome]
) -> Iterator[Entry]:
    """Yield the pictures that are not given up; the others go into `gone`, with the reason."""
    kinds = {kind.__name__: kind for kind in (GivenUpError, ItemTimeoutError)}
    for entry in entries:
        if entry.key in lost:
            kind, message = lost[entry.key]
            gone.append((entry, kinds[kind](message)))
        else:
            yield entry


def _blank(ready: Ready) -> Ready:
    """Return a black picture of the same shapes."""
    flat = tuple(np.zeros_like(x) for x in ready.item.flat)
    return Ready(ready.entry, attrs.evolve(ready.item, flat=flat, windows=None))
