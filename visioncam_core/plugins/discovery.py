"""Which plugins are installed, and which of them may load.  Nothing is imported here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from importlib import metadata

import attrs

GROUP = "visioncam"
ALLOW = "VISIONCAM_PLUGINS"


@attrs.frozen
class Candidate:
    """An entry point that was found, not yet imported.

    Attributes:
        name: the entry point's name.
        distribution: the distribution that declares it.
        version: that distribution's version, or empty.
        value: `"module"` or `"module:attribute"`.
        problem: why its metadata could not be read, or `None`.
    """

    name: str
    distribution: str
    version: str
    value: str = ""
    problem: Exception | None = attrs.field(default=None, eq=False)


@attrs.frozen
class Selection:
    """What `VISIONCAM_PLUGINS` makes of the candidates.

    Attributes:
        chosen: those to load.
        skipped: those to leave alone.
        unknown: words of the variable that name nothing installed.
    """

    chosen: tuple[Candidate, ...]
    skipped: tuple[Candidate, ...]
    unknown: tuple[str, ...]


def version_of(distribution: str) -> str:
    """Return the installed version of a distribution, or empty (a source checkout)."""
    try:
        return metadata.version(distribution)
    except Exception:
        return ""


def installed_paths() -> list[str]:
    """Return `sys.path` without the working directory where it is there by itself.

    `python -m visioncam` and an interactive session put it first; a folder that somebody happens to stand
    in (a download, a shared disk) must not bring plugins.  Where it is on the path once more, by
    `PYTHONPATH` or a `.pth` file, it was put there on purpose and counts.
    """
    first, *rest = sys.path or [""]
    here = os.path.realpath(os.getcwd())
    implicit = first == "" or os.path.realpath(first) == here
    return [path for path in (rest if implicit else [first, *rest]) if path]


def discover() -> tuple[Candidate, ...]:
    """Return every entry point of our group, sorted by distribution and name.

    Each distribution is read in its own `try`: damaged metadata of one of them,
    which would stop `importlib.metadata.entry_points()` for all, is one candidate
    with a `problem`.
    """
    found: dict[str, list[Candidate]] = {}
    paths = installed_paths()
    for distribution in metadata.distributions(path=paths):
        name = "unknown"
        try:
            text = distribution.read_text("entry_points.txt") or ""
            if not re.search(rf"^\s*\[\s*{GROUP}\s*\]", text, re.MULTILINE):
                continue
            name = _field(distribution, "Name", name)
            if _key(name) not in found:
                first = next(iter(metadata.distributions(name=name, path=paths)), distribution)
                found[_key(name)] = _entry_points(first, name)
        except Exception as exc:
            found[_key(name)] = [Candidate(name, name, "", problem=exc)]
    every = [candidate for candidates in found.values() for candidate in candidates]
    return tuple(sorted(every, key=lambda candidate: (candidate.distribution, candidate.name)))


def _field(distribution: metadata.Distribution, field: str, default: str) -> str:
    values = distribution.metadata.get_all(field)
    return values[0] if values else default


def _entry_points(distribution: metadata.Distribution, name: str) -> list[Candidate]:
    # The first of its name: of two copies on the path, the one that Python would import.
    version = _field(distribution, "Version", "")
    points = [point for point in distribution.entry_points if point.group == GROUP]
    return [Candidate(point.name, name, version, point.value) for point in points]


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def select(candidates: Sequence[Candidate], allowed: str | None) -> Selection:
    """Split the candidates by the value of `VISIONCAM_PLUGINS`.

    Args:
        candidates: what `discover` found.
        allowed: `None` for all, empty for none, else names of entry points or
            distributions separated by commas.
    """
    if allowed is None:
        return Selection(tuple(candidates), (), ())
    words = [word.strip() for word in allowed.split(",") if word.strip()]
    keys = {_key(word) for word in words}
    chosen = tuple(one for one in candidates if keys & _names(one))
    skipped = tuple(one for one in candidates if not keys & _names(one))
    known: set[str] = set().union(*map(_names, candidates))
    return Selection(chosen, skipped, tuple(word for word in words if _key(word) not in known))


def _names(candidate: Candidate) -> set[str]:
    return {_key(candidate.name), _key(candidate.distribution)}


def all_names(candidates: Iterable[Candidate]) -> list[str]:
    """Return the words that `VISIONCAM_PLUGINS` may hold for these candidates."""
    return sorted({name for one in candidates for name in (one.name, one.distribution)})
