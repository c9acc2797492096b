"""The app's private folder: uploads and answers lie in it, none for long, and it goes when the app ends."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path

from visioncam_core.errors import ImageError

OLDEST = 3600.0  # seconds
MOST_BYTES = 500 * 2**20


class Workspace:
    """A folder that only this user can enter.

    Attributes:
        root: the folder, without symbolic links in its path.
    """

    def __init__(self) -> None:
        self.root = Path(os.path.realpath(tempfile.mkdtemp(prefix="visioncam-app-")))  # mode 0700
        self._lock = threading.Lock()

    def new_folder(self) -> Path:
        """Return a new folder with a name nobody can guess; what is old is removed first."""
        self.sweep()
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

    def sweep(self) -> None:
        """Remove files older than an hour, and the oldest where there are too many bytes."""
        with self._lock:
            files = []
            for path in self.root.rglob("*"):
                try:
                    if path.is_file():
                        files.append((path.stat().st_mtime, path.stat().st_size, path))
                except OSError:
                    continue
            total, now = sum(size for _, size, _ in files), time.time()
            for when, size, path in sorted(files):
                if now - when > OLDEST or total > MOST_BYTES:
                    path.unlink(missing_ok=True)
                    total -= size
            for folder in self.root.iterdir():
                if folder.is_dir() and now - folder.stat().st_mtime > OLDEST and not any(folder.iterdir()):
                    folder.rmdir()

    def close(self) -> None:
        """Remove it all."""
        shutil.rmtree(self.root, ignore_errors=True)
