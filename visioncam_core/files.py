"""Writing files whole or not at all, and names for them."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import os
import re
import secrets
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import chain, count
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from visioncam_core.errors import OutputError, VisionCamError
from visioncam_core.text import brief, clean


def as_path(value: Any, error: type[VisionCamError], type_error: type[VisionCamError]) -> Path:
    """Return a path of the user's, checked before the system sees it.

    `error` is raised for a path that no system can hold, `type_error` for what is no path.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise type_error(
            f"a path is text or a pathlib.Path, received {brief(value, 60)} of type {type(value).__name__}"
        )
    text = os.fspath(value)
    try:
        fits = "\0" not in text and max(map(len, os.fsencode(text).replace(b"\\", b"/").split(b"/"))) < 256
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise error(
            f"the path {brief(text, 60)} cannot exist: it holds a null character or one that cannot be "
            "written, or a name too long for a file; choose another"
        )
    return Path(text)


LONGEST = 120  # bytes of a stem, so that what is added still fits 255
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


class OutputNames:
    """Gives each picture of a run its output file in `folder`; none of `inputs` is ever overwritten."""

    def __init__(self, folder: Path, inputs: Sequence[str]) -> None:
        self._folder = folder
        self._taken = {os.path.realpath(path).casefold() for path in inputs}

    def paths_for(self, source: str, method: str, suffixes: Sequence[str] = (".png",)) -> list[Path]:
        """Return `<stem>_<method>.png` in the folder, and a path for each other suffix.

        Where the stem had to be changed to be safe, or a name is taken, eight digits made from the
        whole path tell them apart; upper and lower case count as the same name.

        Args:
            source: the picture's path as the user gave it.
            method: the method's name, and what else tells maps of one picture apart.
            suffixes: of the files, with their dots.
        """
        stem, changed = safe_stem(source)
        method = re.sub(r"\W", "-", method)
        mark = f"-{hashlib.sha256(os.fsencode(source)).hexdigest()[:8]}"
        for end in chain([] if changed else [""], [mark], (f"{mark}-{number}" for number in count(2))):
            paths = [self._folder / f"{stem}{end}_{method}{suffix}" for suffix in suffixes]
            keys = {unicodedata.normalize("NFC", os.path.realpath(path)).casefold() for path in paths}
            if self._taken.isdisjoint(keys):
                break
        self._taken |= keys
        return paths


def safe_stem(source: str) -> tuple[str, bool]:
    """Return a path's stem fit for a file name everywhere, and whether it had to be changed.

    >>> safe_stem("photos/cat.jpg"), safe_stem("a:b?.png"), safe_stem("CON.png")
    (('cat', False), ('a_b_', True), ('_CON', True))
    """
    stem = Path(source).stem
    text = unicodedata.normalize("NFC", clean(_FORBIDDEN.sub("_", stem)))
    text = text.lstrip(".- ").rstrip(". ")
    text = text.encode("utf-8")[:LONGEST].decode("utf-8", "ignore")
    if _DEVICES.fullmatch(text):
        text = f"_{text}"
    text = text or "picture"
    return text, text != stem


def check_folder(folder: Path) -> None:
    """Raise `OutputError` unless files can be written into a folder, which need not exist; it is not made."""
    nearest = Path(os.path.abspath(as_path(folder, OutputError, OutputError)))
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not os.path.isdir(nearest):
        what = "it is a file" if os.path.exists(nearest) else "it is a broken link"
        where = "" if nearest == Path(os.path.abspath(folder)) else f" ({str(nearest)!r})"
        raise OutputError(f"cannot write into {str(folder)!r}: {what}{where}; choose another folder with -o")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        raise OutputError(
            f"cannot write into {str(folder)!r}: {(error.strerror or str(error)).lower()}; "
            "choose another folder with -o"
        ) from error


def check_file(path: Path, inputs: Sequence[str]) -> Path:
    """Return where a picture will be written, or raise `OutputError` before anything is computed.

    An existing folder stands for `compare.png` in it; none of `inputs` may be overwritten.
    """
    path = as_path(path, OutputError, OutputError)
    if os.path.isdir(path):  # unlike `Path.is_dir`, no error where looking is forbidden
        path = path / "compare.png"
    known = (*FORMATS, *VECTORS)
    if path.suffix.lower() not in known:
        got = f"{path.suffix!r}" if path.suffix else "no suffix"
        raise OutputError(
            f"cannot write a picture named {path.name!r} ({got}); end it with {', '.join(known)}"
        )
    check_place(path, inputs)
    return path


def check_place(path: Path, inputs: Sequence[str]) -> None:
    """Raise `OutputError` unless a file can be written here, and over none of `inputs`."""
    if any(os.path.exists(path) and os.path.samefile(path, one) for one in inputs if os.path.exists(one)):
        raise OutputError(
            f"{str(path)!r} is an input of this run and would be overwritten; give another name with -o"
        )
    check_folder(path.parent)


FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
VECTORS = (".pdf", ".svg")


# An absolute path inside a longer text: in quotes (spaces allowed), or as a word.
_QUOTED = re.compile(r"""(?<=["'])(?:/|[A-Za-z]:[\\/]|\\\\)(?:[^"'\\/\n]*[\\/]+)*(?=[^"'\\/\n]*["'])""")
_WORD = re.compile(r"(?<![^\s=(\[,;'\"])(?:/|[A-Za-z]:[\\/]|\\\\)(?:[^\s\"'\\/]+[\\/]+)*(?=[^\s\"'\\/])")


def write_bytes(path: Path, payload: bytes) -> None:
    """Write a file under a temporary name in its folder, then rename it over `path`.

    A link there is replaced, not followed.  What cannot be written is an `OutputError`.
    """
    folder = path.parent
    if os.path.isdir(path):
        raise OutputError(f"Cannot write {str(path)!r}: it is a folder. Give a file name in it.")
    if not os.path.isdir(folder):
        why = "it is not a folder" if os.path.exists(folder) else "it does not exist"
        raise OutputError(f"Cannot write into {str(folder)!r}: {why}. Make the folder or choose another.")
    temporary = folder / f".tmp-{secrets.token_hex(8)}{path.suffix}"
    try:
        with open(temporary, "xb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        why = str(error.strerror or error)
        if error.errno == errno.ENOSPC:
            why += f" ({shutil.disk_usage(folder).free:,} bytes are free)"
        raise OutputError(
            f"Cannot write {brief(path.name, 60)} into {brief(str(folder), 90)}: {why}. "
            "Check its permissions and free space, or choose another folder."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def without_folders(text: str) -> str:
    """Cut absolute paths in a text down to the file's name, so that no folder or user name leaks.

    >>> without_folders("/home/ada lovelace/cat.jpg"), without_folders("image=/home/ada/cat.jpg")
    ('cat.jpg', 'image=cat.jpg')
    """
    if "\n" not in text:
        for kind in (PurePosixPath, PureWindowsPath):
            if kind(text).is_absolute():
                return kind(text).name
    return _WORD.sub("", _QUOTED.sub("", text))


_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_row(record: Mapping[str, object]) -> dict[str, object]:
    """Return a row whose text no spreadsheet runs as a formula; numbers stay numbers."""
    return {name: as_cell(value) if isinstance(value, str) else value for name, value in record.items()}


def json_text(document: Mapping[str, Any]) -> str:
    """Return plain data as indented JSON, one line more at its end."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def csv_text(columns: Sequence[str], records: Iterable[Mapping[str, object]]) -> str:
    """Return records as CSV with a header, as `as_row` makes them."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    writer.writerows(map(as_row, records))
    return buffer.getvalue()


def as_cell(value: object) -> str:
    """Return text that no spreadsheet runs as a formula."""
    text = str(value).replace("\0", "")
    return f"'{text}" if text.startswith(_FORMULA) else text
