"""One run in one folder at a time."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import attrs

from visioncam_core.errors import OutputError

NAME = ".visioncam.lock"


@attrs.define(eq=False)
class Lock:
    """Holds a folder while a run writes into it.

    The system itself releases the lock when its process ends, however that ends; the file only says
    whose it is.  On another machine's lock (a shared folder) only the person can tell.

    Attributes:
        folder: the folder.
        note: that a stale lock was taken over, or "".
    """

    folder: Path
    note: str = ""
    _descriptor: int | None = None

    def __enter__(self) -> Lock:
        """Take the lock.

        Raises:
            OutputError: another run holds it; its process and machine are named.
        """
        path = self.folder / NAME
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
            except OSError as error:
                raise OutputError(f"cannot write into {str(self.folder)!r}: {error.strerror}") from error
            owner = _owner(descriptor)
            if not _hold(descriptor):
                os.close(descriptor)
                raise OutputError(
                    f"another run writes into {str(self.folder)!r}: process {owner.get('pid', '?')} on "
                    f"{owner.get('host', '?')}; wait for it, or choose another folder"
                )
            if _same(descriptor, path):
                break
            os.close(descriptor)  # its owner has just finished and taken the file away
        host = socket.gethostname()
        if owner and owner.get("host") != host:
            os.close(descriptor)
            raise OutputError(
                f"another run writes into {str(self.folder)!r}: process {owner.get('pid', '?')} on "
                f"{owner.get('host', '?')}; if it is over, delete {NAME} in that folder"
            )
        if owner:
            self.note = f"took over the lock of process {owner.get('pid', '?')}, which is no more"
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "host": host}).encode())
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the lock and take its file away."""
        if self._descriptor is not None:
            (self.folder / NAME).unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _owner(descriptor: int) -> dict[str, Any]:
    try:
        found = json.loads(
            os.pread(descriptor, 4096, 0) if hasattr(os, "pread") else os.read(descriptor, 4096)
        )
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def _hold(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # far behind what the file says
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
