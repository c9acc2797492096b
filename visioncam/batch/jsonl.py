"""Files of JSON lines: appended one by one, read back also where a process died in the middle of a line."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from visioncam_core.errors import OutputError
from visioncam_core.files import write_bytes

Line = dict[str, Any]


def read_lines(path: Path) -> tuple[list[Line], int]:
    """Return the lines that are whole JSON objects, and how many others there were."""
    found, torn = [], 0
    try:
        with open(path, "rb") as file:
            for text in file:
                if not text.strip(b"\r\n \0"):
                    torn += bool(text.strip(b"\r\n "))
                    continue
                try:
                    line = json.loads(text)
                except (ValueError, RecursionError):
                    line = None
                if isinstance(line, dict) and text.endswith(b"\n"):
                    found.append(line)
                else:
                    torn += 1
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise OutputError(f"cannot read {str(path)!r}: {(error.strerror or str(error)).lower()}") from error
    return found, torn


def encode_line(line: Line) -> bytes:
    return json.dumps(line, allow_nan=False).encode("ascii") + b"\n"  # any file name survives in ASCII


def write_lines(path: Path, lines: Iterable[Line]) -> None:
    """Write a whole file of lines, or leave the old one."""
    write_bytes(path, b"".join(encode_line(line) for line in lines))


@attrs.define(eq=False)
class Appender:
    """Adds lines at the end of a file, each whole or not at all; the first one makes the file."""

    path: Path
    _file: Any = None

    def add(self, line: Line) -> None:
        """Add a line; it survives the end of this process as soon as this returns.

        Raises:
            OutputError: it could not be written whole, and the file is as it was before.
        """
        payload = encode_line(line)
        try:
            if self._file is None:
                self._file = open(self.path, "ab", buffering=0, opener=_no_link)  # noqa: SIM115 - see `close`
            before = os.fstat(self._file.fileno()).st_size
            try:
                written = self._file.write(payload)
                if written != len(payload):
                    self._file.write(payload[written:])  # raises, with the reason
            except OSError:
                os.ftruncate(self._file.fileno(), before)
                raise
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise OutputError(
                    f"{self.path.name!r} is a link, which may lead out of the folder; delete it"
                ) from error
            raise OutputError(
                f"cannot write {self.path.name!r}: {(error.strerror or str(error)).lower()}; what was "
                "written before is intact"
            ) from error

    def sync(self) -> None:
        if self._file is not None:
            os.fsync(self._file.fileno())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o644)
