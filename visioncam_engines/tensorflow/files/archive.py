"""The zip archive of a `.keras` file: its list of members, before any is unpacked."""

from __future__ import annotations

import os
import re
import struct
import zipfile

DIRECTORY = 1 << 20  # bytes of the list of members; Keras writes some 200
TOTAL = 8 << 30  # bytes of all members, unpacked
RATIO, SMALL = 20, 1 << 20  # unpacked to packed, of members above SMALL bytes
_KNOWN = re.compile(r"config\.json|metadata\.json|model\.weights(_\d+)?\.(h5|json)|assets/.*", re.DOTALL)


def check_archive(path: str | os.PathLike[str]) -> list[str]:
    """Return what is wrong with the archive's members, in words; empty when nothing is.

    Args:
        path: a file that begins like a zip archive.

    Raises:
        zipfile.BadZipFile, OSError: it is cut short or damaged.
    """
    crowded = too_crowded(path)
    if crowded:
        return [crowded]
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    problems = []
    seen: set[str] = set()
    for member in members:
        name = member.filename
        parts = name.replace("\\", "/").split("/")
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            problems.append(f"a member points outside the archive ({name[:60]!r})")
        elif not _KNOWN.fullmatch(name):
            problems.append(f"a member that Keras does not write ({name[:60]!r})")
        if name in seen:
            problems.append(f"two members of one name ({name[:60]!r})")
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


def too_crowded(path: str | os.PathLike[str]) -> str:
    """Return why the list of members should not be read, or nothing; zipfile reads it as a whole."""
    listed = _directory_size(path)
    return f"its list of members takes {listed:,} bytes, more than any model's" if listed > DIRECTORY else ""


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
            raise zipfile.BadZipFile("no list of members where the archive says it is")
        return max(int(listed if listed != 0xFFFFFFFF else 0), *struct.unpack("<Q", record[40:48]))
