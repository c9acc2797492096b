"""One run in one folder at a time."""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from filelock import FileLock, Timeout

from visioncam_core.errors import OutputError
from visioncam_core.files import write_bytes

NAME = ".visioncam.lock"  # says whose the lock is
LOCKED = f"{NAME}.held"  # is locked
PATIENCE = 0.5  # seconds; a run that is just ending takes its files away meanwhile


@attrs.define(eq=False)
class Lock:
    """Holds a folder while a run writes into it.

    The system itself releases the lock when its process ends, however that ends; `NAME` only says whose it
    is.  Whether a run on another machine (a shared folder) is over, only the user can tell.
    """

    folder: Path
    note: str = ""  # that a stale lock was taken over, or ""
    _lock: FileLock | None = None

    def __enter__(self) -> Lock:
        lock = FileLock(self.folder / LOCKED, timeout=PATIENCE)
        try:
            lock.acquire()
        except Timeout:
            raise OutputError(f"{self._taken()}; wait for it, or choose another folder") from None
        except OSError as error:
            raise OutputError(f"cannot write into {str(self.folder)!r}: {error.strerror}") from error
        self._lock = lock
        try:
            owner, host = self._owner(), socket.gethostname()
            if owner and owner.get("host") != host:
                raise OutputError(f"{self._taken()}; if that run has ended, delete {NAME} in that folder")
            if owner:
                self.note = f"took over the lock of process {owner.get('pid', '?')}, which has ended"
            write_bytes(self.folder / NAME, json.dumps({"pid": os.getpid(), "host": host}).encode())
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            (self.folder / NAME).unlink(missing_ok=True)
            self._release()

    def _release(self) -> None:
        assert self._lock is not None
        with suppress(PermissionError):  # Windows deletes no open file, and locks the one that stays
            (self.folder / LOCKED).unlink(missing_ok=True)
        self._lock.release()
        self._lock = None

    def _taken(self) -> str:
        owner = self._owner()
        who = f"process {owner.get('pid', '?')} on {owner.get('host', '?')}"
        return f"another run is writing to {str(self.folder)!r}: {who}"

    def _owner(self) -> dict[str, Any]:
        path = self.folder / NAME
        if os.path.lexists(path) and (path.is_symlink() or not path.is_file()):
            raise OutputError(f"{str(path)!r} is not a regular file; delete it")
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}
