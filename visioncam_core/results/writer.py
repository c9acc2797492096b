"""`--save-as png,npz`: which files are written of each map, and what belongs into each."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import attrs

from visioncam_core.errors import OptionError, OutputError
from visioncam_core.files import FORMATS, VECTORS, check_place
from visioncam_core.options.fields import build
from visioncam_core.results.data import ExplanationData
from visioncam_core.results.formats.figure import Figure
from visioncam_core.results.formats.film import OPTIONS as FILM_OPTIONS
from visioncam_core.results.formats.film import Film
from visioncam_core.results.save import DATA, FILMS, SUFFIXES, WRITERS, known_suffix, save
from visioncam_core.text import did_you_mean

KINDS = tuple(suffix.removeprefix(".") for suffix in SUFFIXES)
_CLASSES: dict[str, Any] = {
    **dict.fromkeys((*FORMATS, *VECTORS), Figure),
    **dict.fromkeys(FILMS, Film),
    **WRITERS,
}


class FileKind(NamedTuple):
    """A kind of file that has options, as methods and renderers have; its name is the suffix without dot."""

    name: str
    cls: type


def kinds_with_options() -> list[FileKind]:
    return [FileKind(suffix.removeprefix("."), cls) for suffix, cls in _CLASSES.items()]


def suffixes_of(text: str) -> tuple[str, ...]:
    """Return the suffixes that `--save-as` names, each once.

    Raises:
        OptionError: none, or an unknown one.
    """
    names = [word.strip().lower().removeprefix(".") for word in text.split(",") if word.strip()]
    if not names:
        raise OptionError(f"--save-as needs a kind of file, received {text!r}; use {', '.join(KINDS)}")
    for name in names:
        if name not in KINDS:
            hint = did_you_mean(name, KINDS) or ";"
            raise OptionError(f"--save-as has no kind of file {name!r}{hint} known: {', '.join(KINDS)}")
    return tuple(dict.fromkeys(f".{name}" for name in names))


def file_kind(path: Path) -> str | None:
    """Return the suffix of what `-o` names where that is a file; None for a folder.

    Raises:
        OutputError: it ends as a file of some other kind does.
    """
    if os.path.isdir(path):  # unlike `Path.is_dir`, no error where looking is forbidden
        return None
    kind = known_suffix(path)
    if kind is None and not os.path.lexists(path) and re.fullmatch(r"\.[A-Za-z]{2,5}", path.suffix):
        raise OutputError(
            f"-o {str(path)!r} ends in {path.suffix!r}, which is not one of {', '.join(SUFFIXES)}; for a "
            "folder of that name, make it first"
        )
    return kind


@attrs.frozen(eq=False)
class Saving:
    """What is written of each map.

    Attributes:
        suffixes: of the files.
        renderer: what draws pictures and films.
        drawing: its options.
        options: suffix -> the options of that kind of file.
    """

    suffixes: tuple[str, ...]
    renderer: str
    drawing: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]]

    def check(self) -> None:
        """Raise `OptionError` for values out of their range, before anything is computed."""
        for suffix, options in self.options.items():
            if suffix in _CLASSES:
                build(_CLASSES[suffix], options, f"file {suffix!r}")

    def write(self, explanation: ExplanationData, paths: Sequence[Path]) -> None:
        """Write the files.

        Raises:
            OutputError: a file cannot be written.
            ImageError: the map is none that this kind of file can hold.
        """
        for suffix, path in zip(self.suffixes, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            own = self.options.get(suffix, {})
            if suffix in DATA:
                save(explanation, path, "overlay", own)
                continue
            drawing = dict(self.drawing)
            if suffix in FILMS:  # an option that film and renderer both have is the film's
                drawing = {name: value for name, value in drawing.items() if name not in FILM_OPTIONS}
            save(explanation, path, self.renderer, {**drawing, **own})


def one_file(path: Path, images: Sequence[str], save_as: str | None, inputs: Sequence[str]) -> None:
    """Raise `OutputError` unless `-o FILE` can hold all results, and is none of the inputs."""
    if save_as is not None:
        raise OutputError(
            f"-o {str(path)!r} names a file and --save-as its kind; give a folder, or leave one out"
        )
    if len(images) > 1:
        raise OutputError(
            f"-o {str(path)!r} is one file for {len(images)} pictures; name a folder, and the kind of file "
            "with --save-as"
        )
    check_place(path, inputs)
