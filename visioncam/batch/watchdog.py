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
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.entry import GivenUpError, ItemTimeoutError
from visioncam.batch.journal import FOLDER, JOURNAL, LATE, ORDERS, write_json
from visioncam.batch.manifest import ERRORS, MANIFEST, Manifest

KILLED = {
    -getattr(signal, name) for name in ("SIGKILL", "SIGSEGV", "SIGABRT", "SIGBUS") if hasattr(signal, name)
}
KILLED |= {128 - code for code in KILLED}  # as a shell says it
ALONE = 11  # batches that may have been in work: decoded, waiting, computed, written
DEATHS = 2  # of the process, before a picture is given up


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
    with tempfile.TemporaryDirectory(prefix="visioncam-") as shared, Child(Path(shared)) as child:
        lost: dict[str, tuple[str, str]] = {}
        deaths: Counter[str] = Counter()
        alone, stuck, whole = 0, False, None
        while True:
            write_json(child.shared / ORDERS, {"alone": alone, "lost": lost, "seconds": seconds})
            before = _progress(folder)
            code = child.run(words)
            late = child.late
            if child.number or (code not in KILLED and not late):
                return _shell_code(code)
            about = Manifest(folder).run() or {}
            whole = whole or about.get("batch")
            key = child.key
            if key is None:  # before the first picture, or after the last
                smaller = halve(folder)
                if not smaller and (stuck or _progress(folder) == before):
                    return _shell_code(code)
                stuck = _progress(folder) == before
                tell(f"the process died ({code}), perhaps out of memory; restarted with half the batch")
            elif key:
                deaths[key] += 1
                if late or deaths[key] >= DEATHS:
                    lost[key] = _reason(code, late, seconds)
                    if isinstance(whole, int):  # it was this picture, not the memory
                        Manifest(folder).write_run(about | {"batch": whole})
                    tell(f"{key}: {lost[key][1]}; restarted without it")
                else:
                    tell(f"{key}: the process died on it ({code}); restarted for a second try")
            elif not late and halve(folder):
                tell(f"the process died ({code}), perhaps out of memory; restarted with half the batch")
            else:
                alone = ALONE * max(int(about.get("asked") or 1), 1)
                what = "it takes too long" if late else f"the process died ({code})"
                tell(f"{what}; restarted with one picture at a time, to find which one it is")


def halve(folder: Path) -> bool:
    """Halve the batch that a run remembers; return whether it was more than one."""
    manifest = Manifest(folder)
    about = manifest.run()
    if about is None or not isinstance(about.get("batch"), int) or about["batch"] < 2:
        return False
    manifest.write_run(about | {"batch": about["batch"] // 2})
    return True


def _reason(code: int, late: bool, seconds: float | None) -> tuple[str, str]:
    if late:
        return ItemTimeoutError.__name__, f"took longer than {seconds:g} seconds (--item-timeout)"
    return GivenUpError.__name__, f"the process died {DEATHS} times on it alone (exit code {code})"


def _shell_code(code: int) -> int:
    return code if code >= 0 else 128 - code


def _progress(folder: Path) -> tuple[int, ...]:
    return tuple(_size(folder / name) for name in (MANIFEST, ERRORS))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@attrs.define(eq=False)
class Child:
    """Starts the process again and again; signals that end it are passed on."""

    shared: Path
    number: int = 0  # the last signal that came, 0 for none
    _process: subprocess.Popen[bytes] | None = None
    _before: dict[int, Any] = attrs.field(factory=dict)

    def run(self, words: Sequence[str]) -> int:
        for name in (JOURNAL, LATE):
            (self.shared / name).unlink(missing_ok=True)
        if self.number:  # it came while there was no process
            return -self.number
        self._process = subprocess.Popen(
            [sys.executable, "-m", "visioncam", *words],
            env=os.environ | {FOLDER: os.fspath(self.shared)},
            process_group=0 if os.name == "posix" else None,  # Ctrl-C reaches it once, through this process
        )
        return self._process.wait()

    @property
    def late(self) -> bool:
        """Whether the child ended itself, as a picture took too long."""
        return _size(self.shared / LATE) > 0

    @property
    def key(self) -> str | None:
        """The only picture that was in work, "" for several, None for none."""
        try:
            return str(json.loads((self.shared / JOURNAL).read_text("ascii"))["key"])
        except FileNotFoundError:
            return None

    def __enter__(self) -> Child:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._pass_on)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _pass_on(self, number: int, frame: object) -> None:
        self.number = number
        if self._process is not None:
            self._process.send_signal(number)
