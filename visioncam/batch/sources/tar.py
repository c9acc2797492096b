"""Tar archives as WebDataset writes them: `0001.jpg` is a picture, and `0001.cls` next to it its class."""

from __future__ import annotations

import tarfile

from visioncam.batch.entry import SUFFIXES, Entry, Source, TarMember, unique_key, with_target
from visioncam_core.errors import ImageError
from visioncam_core.text import brief, index_or_name

LONGEST = 1000  # bytes of a class file that are read


def read_archive(path: str) -> Source:
    """Return the pictures of a tar archive; nothing is unpacked, and each is read when its turn comes."""
    try:
        with tarfile.open(path, "r:") as archive:
            members = [member for member in archive if member.isfile()]
            classes = {
                _stem(member.name): _text(archive, member)
                for member in members
                if member.name.lower().endswith(".cls")
            }
    except (tarfile.TarError, OSError, ValueError) as error:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        why = "is compressed: unpack it with gunzip first" if packed else f"is not a tar archive ({error})"
        raise ImageError(
            f"{brief(path)} {why}; a run takes a folder, a pattern in quotes, a .txt or .csv list, or a .tar"
        ) from error
    entries, taken = [], set[str]()
    for member in members:
        if member.name.lower().endswith(SUFFIXES):
            target = index_or_name(classes.get(_stem(member.name)))
            mark = with_target(f"{member.size}-{member.offset_data}-{int(member.mtime)}", target)
            place = TarMember(path, member.offset_data, member.size)
            entries.append(Entry(unique_key(member.name, taken), place, mark, target))
    return Source(entries, len(entries))


def _stem(name: str) -> str:
    """Return what WebDataset calls the key: the name up to the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str | None:
    file = archive.extractfile(member)
    return (file.read(LONGEST).decode("utf-8", "replace").strip() or None) if file is not None else None
