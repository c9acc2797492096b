"""The app's private folder: uploads and answers lie in it, none for long, and it goes when the app ends."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from visioncam_core.errors import ImageError

OLDEST = 3600.0  # seconds
TIDIED = 5.0  # seconds between two looks through all files
MOST_BYTES = 500 * 2**20
MOST_FILES = 600  # about a hundred answers; to remove thousands at the end would take long


class Workspace:
    """A folder that only this user can enter."""

    def __init__(self) -> None:
        # mode 0700; without symbolic links in its path
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="visioncam-app-")))
        self._lock = threading.Lock()
        self._tidied = time.monotonic()
        self._kept: frozenset[Path] = frozenset()

    def new_folder(self) -> Path:
        """Return a new folder with a name nobody can guess; what is old is removed first."""
        self.tidy()
        folder = self.root / f"answer-{secrets.token_urlsafe(12)}"
        folder.mkdir(mode=0o700)
        return folder

    def own(self, path: str | os.PathLike[str]) -> Path:
        """Return the path of a file in here.

        Raises:
            ImageError: it is somewhere else: nobody names files of this computer through the app.
        """
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(self.root) or not real.is_file():
            raise ImageError("this photo is no longer here; drop it again")
        return real

    def used(self, path: Path) -> None:
        """Count a file as new, so that it stays."""
        with suppress(OSError):
            os.utime(path)

    def keep(self) -> None:
        """Keep what is here now until the end: the examples that the page shows."""
        self._kept = frozenset(self.root.rglob("*"))

    def tidy(self) -> None:
        """Sweep, unless that was done just before."""
        if time.monotonic() - self._tidied > TIDIED:
            self._tidied = time.monotonic()
            self.sweep()

    def sweep(self) -> None:
        """Remove files not used for an hour, and the oldest where there are too many, or too many bytes."""
        with self._lock:
            files = []
            for path in self.root.rglob("*"):
                try:
                    if path.is_file() and path not in self._kept:
                        files.append((path.stat().st_mtime, path.stat().st_size, path))
                except OSError:
                    continue
            total, left, now = sum(size for _, size, _ in files), len(files), time.time()
            for when, size, path in sorted(files):
                if now - when > OLDEST or total > MOST_BYTES or left > MOST_FILES:
                    path.unlink(missing_ok=True)
                    total, left = total - size, left - 1
                    if path.parent != self.root:
                        with suppress(OSError):  # where other files are in it
                            path.parent.rmdir()

    def close(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
