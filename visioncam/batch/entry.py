"""One picture of a run, before anything is done with it."""

from __future__ import annotations

import hashlib
import os
import stat
import traceback
from collections.abc import Iterable
from typing import Any

import attrs

from visioncam_core.errors import ImageError, VisionCamError, is_full
from visioncam_core.files import without_folders
from visioncam_core.text import clean

DEEPEST = 8  # last lines of a traceback that are noted
SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".dcm", ".nii", ".nii.gz", ".npy",
)  # fmt: skip


@attrs.frozen(eq=False)
class TarMember:
    """A file inside a tar archive, read when it is needed; `offset` is where its bytes begin."""

    archive: str
    offset: int
    size: int

    def read(self) -> bytes:
        with open(self.archive, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


@attrs.frozen(eq=False)
class Entry:
    """One picture of a run, before anything is done with it."""

    key: str  # its name in this run, such as the path below the folder; no two alike
    image: Any  # what `visioncam.explain` takes, or a `TarMember`
    mark: str  # what tells a changed picture: size and time of a file, a hash of an array; with its class
    target: int | str | None = None  # what to explain of this picture alone; None for the target of all
    place: int = 0  # its number in the source, which decides its row in a batch
    digest: str = ""  # SHA-256 of the file's bytes as they were decoded; "" before, and for what is no file

    @property
    def source(self) -> Any:
        return self.image.read() if isinstance(self.image, TarMember) else self.image

    @property
    def replaced(self) -> bool:
        if not self.mark or not isinstance(self.image, str | os.PathLike):
            return False
        return file_mark(os.fspath(self.image), self.target) != self.mark


@attrs.frozen(eq=False)
class Source:
    """Where the pictures of a run come from."""

    entries: Iterable[Entry]
    total: int | None = None  # how many, or None where that is not known before the end
    notes: tuple[str, ...] = ()  # what was left out, in words


def file_mark(path: str, target: object = None) -> str:
    """Return what tells a changed file: size and time in nanoseconds, "missing", or "no file"."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        mark = "missing"
    else:
        mark = f"{about.st_size}-{about.st_mtime_ns}" if stat.S_ISREG(about.st_mode) else "no file"
    return with_target(mark, target)


def bytes_mark(payload: bytes, target: object = None) -> str:
    return with_target(hashlib.sha256(payload).hexdigest()[:32], target)


def with_target(mark: str, target: object) -> str:
    """Return a mark that also changes with the requested class."""
    return mark if target is None else f"{mark} class {target}"


def unique_key(key: str, taken: set[str]) -> str:
    """Return a key that is not in use: a second `a.png` becomes `a.png#2`; and add it to those in use."""
    found, number = key, 1
    while found in taken:
        number += 1
        found = f"{key}#{number}"
    taken.add(found)
    return found


class GivenUpError(ImageError):
    """A picture on which the process died again and again."""


class ItemTimeoutError(ImageError):
    """A picture that took longer than it may."""


def out_of_memory(error: BaseException) -> bool:
    """Return whether memory ran out, so that a smaller batch may work."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or type(cause).__name__ == "ResourceExhaustedError":
            return not is_full(error)
        cause = cause.__cause__
    return False


def of_the_run(error: BaseException) -> bool:
    """Return whether an error is of the request, such as an unknown layer, and not of a picture."""
    return isinstance(error, VisionCamError) and not isinstance(error, ImageError)


def error_line(entry: Entry, error: BaseException) -> dict[str, Any]:
    """Return a picture's line of `errors.jsonl`."""
    line: dict[str, Any] = {
        "key": entry.key,
        "kind": type(error).__name__,
        "message": clean(without_folders(str(error))),
    }
    if not isinstance(error, VisionCamError):
        lines = traceback.format_exception(error)[-DEEPEST:]
        line["traceback"] = [without_folders(clean(text.rstrip())) for text in lines]
    return line
