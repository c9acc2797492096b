"""The zip archive of a `.keras` file, read member by member, without Keras."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import tempfile
import zipfile
from typing import Any

from visioncam_core.errors import UnsafeModelError
from visioncam_engines.keras.files.config import LARGEST, reading
from visioncam_engines.keras.files.hdf5 import Stored, check_hdf5

DIRECTORY = 1 << 20  # bytes of the list of members; Keras writes some 200
TOTAL = 8 << 30  # bytes of all members, unpacked
RATIO, SMALL = 20, 1 << 20  # unpacked to packed, of members above SMALL bytes
_KNOWN = re.compile(r"config\.json|metadata\.json|model\.weights(_\d+)?\.(h5|json)|assets/.*", re.DOTALL)


def members_of(path: str | os.PathLike[str], name: str) -> list[zipfile.ZipInfo]:
    """Return the archive's list of members, which zipfile reads as a whole."""
    with reading("keras", name):
        size = _directory_size(path)
        if size > DIRECTORY:
            raise UnsafeModelError(
                f"{name}: its list of members takes {size:,} bytes, more than any model's; it is not loaded"
            )
        with zipfile.ZipFile(path) as archive:
            return archive.infolist()


def member_problems(members: list[zipfile.ZipInfo]) -> list[str]:
    """Return what is wrong with an archive's members, in words; empty when nothing is."""
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


def description_of(path: str | os.PathLike[str]) -> tuple[Any, str]:
    """Return the parsed `config.json`, and the version of Keras that wrote it."""
    with zipfile.ZipFile(path) as archive:
        tree = json.loads(_member(archive, "config.json"))
        about = json.loads(_member(archive, "metadata.json")) if "metadata.json" in archive.namelist() else {}
    return tree, str(about.get("keras_version", ""))


def stored_in(path: str | os.PathLike[str]) -> Stored:
    """Return what the HDF5 files in the archive hold together."""
    total = Stored()
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if not member.endswith(".h5"):
                continue
            with tempfile.NamedTemporaryFile(suffix=".h5") as copy, archive.open(member) as packed:
                shutil.copyfileobj(packed, copy, 1 << 20)
                copy.flush()
                one = check_hdf5(copy.name)
            total.numbers += one.numbers
            total.problems += one.problems
    return total


def is_damaged(path: str | os.PathLike[str]) -> bool:
    """Return whether a checksum in the archive is wrong."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    except Exception:  # zlib, zipfile and the system each have errors of their own
        return True


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST:
        raise ValueError(f"{name} is larger than {LARGEST} bytes")
    return archive.read(name)


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
