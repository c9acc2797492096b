"""A run in a child process: where a picture kills or hangs the process, it is started again without it.

On a CPU, TensorFlow often does not raise when memory runs out: the system kills the process, or it crashes.
The parent then halves the batch in `run.json` and starts the same command again, which continues.  Where
that does not help, or a picture takes too long, pictures are done one at a time for a while; one on which
the process dies twice, or that takes longer than it may, is given up: an error like any other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.entry import GivenUpError, ItemTimeoutError
from visioncam.batch.manifest import ERRORS, MANIFEST, Manifest
from visioncam.batch.watching import ASKED, BEAT, ROOM, put

KILLED = {
    -getattr(signal, name) for name in ("SIGKILL", "SIGSEGV", "SIGABRT", "SIGBUS") if hasattr(signal, name)
}
KILLED |= {128 - code for code in KILLED}  # as a shell says it
ALONE = 11  # batches that may have been in hand: decoded, on shelves, computed, written
FIRST = 120.0  # seconds more where the model may have to be traced
LOOK = 0.1  # seconds between two looks at the child
DEATHS = 2  # of the process, before a picture is given up


@attrs.frozen
class End:
    """How a child ended.

    Attributes:
        code: its exit code.
        beat: what it had in hand; None for nothing.
        late: it was killed, since that took too long.
    """

    code: int
    beat: Mapping[str, Any] | None
    late: bool


def supervise(
    words: Sequence[str],
    folder: Path,
    tell: Callable[[str], object] = print,
    seconds: float | None = None,
) -> int:
    """Run `visioncam` with these words until it ends by itself; return its exit code.

    Args:
        words: the command line; the child knows that it is watched.
        folder: the run's folder.
        tell: called with a line of text at each new start.
        seconds: how long one picture may take; None for ever.
    """
    with tempfile.TemporaryDirectory(prefix="visioncam-") as room, Child(Path(room), seconds) as child:
        lost: dict[str, tuple[str, str]] = {}
        deaths: Counter[str] = Counter()
        alone, stuck, whole = 0, False, None
        while True:
            put(Path(room, ASKED), {"alone": alone, "lost": lost})
            before = _progress(folder)
            end = child.run(words)
            if child.stopped or (end.code not in KILLED and not end.late):
                return _as_shells_say(end.code)
            about = Manifest(folder).run() or {}
            whole = whole or about.get("batch")
            if end.beat is None:  # before the first picture, or after the last
                smaller = halve(folder)
                if not smaller and (stuck or _progress(folder) == before):
                    return _as_shells_say(end.code)
                stuck = _progress(folder) == before
                tell(f"the process died ({end.code}), perhaps of memory; started again with half the batch")
            elif end.beat["key"]:
                key = str(end.beat["key"])
                deaths[key] += 1
                if end.late or deaths[key] >= DEATHS:
                    lost[key] = given_up(end, seconds)
                    if isinstance(whole, int):  # it was this picture, not the memory
                        Manifest(folder).write_run(about | {"batch": whole})
                    tell(f"{key}: {lost[key][1]}; started again without it")
                else:
                    tell(f"{key}: the process died on it ({end.code}); started again for a second try")
            elif not end.late and halve(folder):
                tell(f"the process died ({end.code}), perhaps of memory; started again with half the batch")
            else:
                alone = ALONE * max(int(about.get("asked") or 1), 1)
                what = "it takes too long" if end.late else f"the process died ({end.code})"
                tell(f"{what}; started again with one picture at a time, to find which one it is")


def given_up(end: End, seconds: float | None) -> tuple[str, str]:
    """Return why a picture is given up: the kind of its error, and its words."""
    if end.late:
        return ItemTimeoutError.__name__, f"took longer than {seconds:g} seconds (--item-timeout)"
    return GivenUpError.__name__, f"the process died {DEATHS} times on it alone (exit code {end.code})"


def halve(folder: Path) -> bool:
    """Halve the batch that a run remembers; return whether it was more than one.

    Args:
        folder: a run's folder that no process writes into.
    """
    manifest = Manifest(folder)
    about = manifest.run()
    if about is None or not isinstance(about.get("batch"), int) or about["batch"] < 2:
        return False
    manifest.write_run(about | {"batch": about["batch"] // 2})
    return True


def _as_shells_say(code: int) -> int:
    return code if code >= 0 else 128 - code


def _progress(folder: Path) -> tuple[int, ...]:
    return tuple(
        (folder / name).stat().st_size if (folder / name).exists() else 0 for name in (MANIFEST, ERRORS)
    )


@attrs.define(eq=False)
class Child:
    """Starts a process and watches it; signals that end it are passed on.

    Attributes:
        room: the folder where both sides meet.
        seconds: how long one picture may take; None for ever.
        stopped: how many signals came.
        number: the last of them.
    """

    room: Path
    seconds: float | None = None
    stopped: int = 0
    number: int = 0
    _process: subprocess.Popen[bytes] | None = None
    _before: dict[int, Any] = attrs.field(factory=dict)

    def run(self, words: Sequence[str]) -> End:
        """Run `visioncam` with these words; return how it ended."""
        (self.room / BEAT).unlink(missing_ok=True)
        if self.stopped:  # while no process was there to be told
            return End(-self.number, None, False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "visioncam", *words],
            env=os.environ | {ROOM: os.fspath(self.room)},
            process_group=0 if os.name == "posix" else None,  # Ctrl-C reaches it once, through this process
        )
        seen, spent, looked, late = None, 0.0, time.monotonic(), False
        while True:
            try:
                return End(self._process.wait(LOOK), self._beat(), late)
            except subprocess.TimeoutExpired:
                beat, now = self._beat(), time.monotonic()
            passed, looked = now - looked, now
            spent = 0.0 if beat != seen else spent + min(passed, 10 * LOOK)  # less where both were paused
            seen = beat
            if beat is not None and spent > self._allowed(beat):
                late = True
                self._process.kill()

    def __enter__(self) -> Child:
        """Catch the signals."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the signals as they were, and no process behind."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _beat(self) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = json.loads((self.room / BEAT).read_text("ascii"))
        except FileNotFoundError:
            return None
        return found

    def _allowed(self, beat: Mapping[str, Any]) -> float:
        if self.seconds is None:
            return float("inf")
        return self.seconds * beat["pictures"] + (FIRST if beat["first"] else 0.0)

    def _pass_on(self, number: int, frame: object) -> None:
        self.stopped, self.number = self.stopped + 1, number
        if self._process is not None:
            self._process.send_signal(number)
