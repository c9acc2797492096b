"""Model files from anybody: how they start; of zip archives, their members and what is wrong with them."""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
from collections.abc import Callable, Sequence

from visioncam_core.errors import ModelError, ModelNotFoundError, UnsafeModelError
from visioncam_engines.other_formats import told_of

DIRECTORY = 1 << 20  # bytes of the list of members; Keras and torch write some 200 a member
TOTAL = 8 << 30  # bytes of all members, unpacked
RATIO, SMALL = 20, 1 << 20  # unpacked to packed, of members above SMALL bytes


def first_bytes(text: str, name: str, count: int, refuse: Callable[[bool], ModelError]) -> bytes:
    """Return the first bytes of a model file.

    Args:
        text: its path.
        name: what messages call it.
        count: number of bytes.
        refuse: the error for a folder (True), or for what is not a regular file.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: it is no file, cannot be read, or is empty.
    """
    try:
        mode = os.stat(text).st_mode
        if not stat.S_ISREG(mode):
            raise refuse(stat.S_ISDIR(mode))
        with open(text, "rb") as file:
            start = file.read(count)
    except (FileNotFoundError, NotADirectoryError) as error:
        if os.path.isfile(f"{text}.index"):
            raise ModelError(f"{name}: {told_of(text)}") from error
        raise ModelNotFoundError(f"{name}: no such model file; check the path") from error
    except ModelError:
        raise
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ModelError(f"{name}: cannot be read ({reason.lower()}); check its permissions") from error
    if not start:
        raise ModelError(f"{name}: is empty (0 bytes); download or save the model again")
    return start


def listed(path: str | os.PathLike[str], name: str, most: int = DIRECTORY) -> list[zipfile.ZipInfo]:
    """Return an archive's list of members, which zipfile reads as a whole.

    Raises:
        UnsafeModelError: it is longer than `most` bytes; the message calls the file `name`.
        zipfile.BadZipFile: it is damaged.
    """
    size = _directory_size(path)
    if size > most:
        raise UnsafeModelError(
            f"{name}: its list of members takes {size:,} bytes, more than a model can have; it is not loaded"
        )
    with zipfile.ZipFile(path) as archive:
        return archive.infolist()


def problems_of(members: Sequence[zipfile.ZipInfo], known: re.Pattern[str], writer: str) -> list[str]:
    """Return what is wrong with an archive's members, in words; empty when nothing is.

    Args:
        members: of the archive.
        known: the names that `writer` gives them.
        writer: who writes such archives.
    """
    problems = []
    seen: set[str] = set()
    for member in members:
        name = member.filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            problems.append(f"a member points outside the archive ({name[:60]!r})")
        elif not known.fullmatch(name):
            problems.append(f"a member that {writer} never writes ({name[:60]!r})")
        if name in seen:
            problems.append(f"two members of the same name ({name[:60]!r})")
        seen.add(name)
        if member.flag_bits & 1:
            problems.append(f"an encrypted member ({name[:60]!r})")
        if member.file_size > max(SMALL, RATIO * member.compress_size):
            problems.append(
                f"{name[:60]!r} unpacks from {member.compress_size:,} to {member.file_size:,} bytes"
            )
    total = sum(member.file_size for member in members)
    if total > TOTAL:
        problems.append(f"it unpacks to {total:,} bytes, more than {TOTAL:,}")
    return problems


def is_damaged(path: str | os.PathLike[str]) -> bool:
    """Return whether a checksum in the archive is wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    except Exception:  # zlib, zipfile and the system each have errors of their own
        return True


def _directory_size(path: str | os.PathLike[str]) -> int:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - (1 << 16) - 22 - 20)
        file.seek(start)
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < 22:
            raise zipfile.BadZipFile("no end of the archive")
        (listed,) = struct.unpack("<L", tail[end + 12 : end + 16])
        locator = tail[max(0, end - 20) : end]
        if locator[:4] != b"PK\x06\x07":
            return int(listed)
        (offset,) = struct.unpack("<Q", locator[8:16])
        file.seek(min(offset, size))
        record = file.read(56)
        if len(record) < 56 or record[:4] != b"PK\x06\x06":
            raise zipfile.BadZipFile("no list of members at the place the archive gives")
        return max(int(listed if listed != 0xFFFFFFFF else 0), *struct.unpack("<Q", record[40:48]))
