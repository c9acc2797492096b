"""A run in a child process: where memory runs out so hard that the process dies, it is started again.

On a CPU, TensorFlow often does not raise: the system kills the process, or it crashes.  The parent then
halves the batch in `run.json` and starts the same command again, which continues.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from visioncam.batch.manifest import ERRORS, MANIFEST, Manifest

KILLED = {
    -getattr(signal, name) for name in ("SIGKILL", "SIGSEGV", "SIGABRT", "SIGBUS") if hasattr(signal, name)
}
KILLED |= {128 - code for code in KILLED}  # as a shell says it


def supervise(words: Sequence[str], folder: Path, tell: Callable[[str], object] = print) -> int:
    """Run `visioncam` with these words until it ends by itself; return its exit code.

    Args:
        words: the command line without `--supervise`.
        folder: the run's folder.
        tell: called with a line of text at each new start.
    """
    stuck = False
    while True:
        before = _progress(folder)
        code = _wait(subprocess.Popen([sys.executable, "-m", "visioncam", *words]))
        if code not in KILLED:
            return code
        smaller = halve(folder)
        if not smaller and (stuck or _progress(folder) == before):
            return code if code > 0 else 128 - code
        stuck = _progress(folder) == before
        tell(f"the process died ({code}), perhaps of memory; started again with half the batch")


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


def _progress(folder: Path) -> tuple[int, ...]:
    return tuple(
        (folder / name).stat().st_size if (folder / name).exists() else 0 for name in (MANIFEST, ERRORS)
    )


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for a child; signals that end it are passed on, once each."""

    def pass_on(number: int, frame: object) -> None:
        child.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
