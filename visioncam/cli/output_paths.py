"""Names of the files a run writes: safe on every system, and no two alike."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from visioncam.cli.terminal import clean
from visioncam_core.errors import OutputError
from visioncam_core.foreign import as_path
from visioncam_core.results.image_files import FORMATS

LONGEST = 120  # bytes of a stem, so that what is added still fits 255
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


class OutputNames:
    """Gives each picture of a run its output file.

    Args:
        folder: where files go.
        inputs: files that the run reads; none of them is ever overwritten.
    """

    def __init__(self, folder: Path, inputs: Sequence[str]) -> None:
        self._folder = folder
        self._taken = {os.path.realpath(path).casefold() for path in inputs}

    def paths_for(self, source: str, method: str, suffixes: Sequence[str] = (".png",)) -> list[Path]:
        """Return `<stem>_<method>.png` in the folder, and its siblings of other kinds.

        Where the stem had to be changed to be safe, or a name is taken, eight digits made from the
        whole path tell them apart; upper and lower case count as the same name.

        Args:
            source: the picture's path as the user gave it.
            method: the method's name, and what else tells maps of one picture apart.
            suffixes: of the files, with their dots.
        """
        stem, changed = safe_stem(source)
        method = re.sub(r"\W", "-", method)
        mark = hashlib.sha256(os.fsencode(source)).hexdigest()[:8]
        marks = [] if changed else [""]
        marks += [f"-{mark}"]
        for number in range(2, len(self._taken) + 3):
            marks.append(f"-{mark}-{number}")
        for mark in marks:
            paths = [self._folder / f"{stem}{mark}_{method}{suffix}" for suffix in suffixes]
            keys = {unicodedata.normalize("NFC", os.path.realpath(path)).casefold() for path in paths}
            if self._taken.isdisjoint(keys):
                self._taken |= keys
                return paths
        raise AssertionError("there are more marks than names taken")


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
    """Raise `OutputError` unless files can be written into a folder, which need not exist yet.

    Nothing is left behind: the first file that is written makes the folder.
    """
    nearest = Path(os.path.abspath(as_path(folder, OutputError, OutputError)))
    while not os.path.lexists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not os.path.isdir(nearest):
        what = "it is a file" if os.path.exists(nearest) else "it is a link to nothing"
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

    Args:
        path: what the user gave; an existing folder stands for `compare.png` in it.
        inputs: files that must not be overwritten.
    """
    path = as_path(path, OutputError, OutputError)
    if os.path.isdir(path):  # unlike `Path.is_dir`, no error where looking is forbidden
        path = path / "compare.png"
    if path.suffix.lower() not in FORMATS:
        got = f"{path.suffix!r}" if path.suffix else "no suffix"
        raise OutputError(
            f"cannot write a picture named {path.name!r} ({got}); end it with {', '.join(FORMATS)}"
        )
    check_place(path, inputs)
    return path


def check_place(path: Path, inputs: Sequence[str]) -> None:
    """Raise `OutputError` unless a file can be written here without loss.

    Args:
        path: the file.
        inputs: files that must not be overwritten.
    """
    if any(os.path.exists(path) and os.path.samefile(path, one) for one in inputs if os.path.exists(one)):
        raise OutputError(f"{str(path)!r} is read by this run and would be lost; give another name with -o")
    check_folder(path.parent)
