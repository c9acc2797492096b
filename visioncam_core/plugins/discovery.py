"""Which plugins are installed, and which of them may load.  Nothing is imported here."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import metadata
from itertools import chain, compress

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
            if canonical(name) not in found:
                first = next(iter(metadata.distributions(name=name, path=paths)), distribution)
                found[canonical(name)] = _entry_points(first, name)
        except Exception as exc:
            found[canonical(name)] = [Candidate(name, name, "", problem=exc)]
    every = chain.from_iterable(found.values())
    return tuple(sorted(every, key=lambda candidate: (candidate.distribution, candidate.name)))


def _field(distribution: metadata.Distribution, field: str, default: str) -> str:
    values = distribution.metadata.get_all(field)
    return values[0] if values else default


def _entry_points(distribution: metadata.Distribution, name: str) -> list[Candidate]:
    # The first of its name: of two copies on the path, the one that Python would import.
    version = _field(distribution, "Version", "")
    points = [point for point in distribution.entry_points if point.group == GROUP]
    return [Candidate(point.name, name, version, point.value) for point in points]


def canonical(name: str) -> str:
    """Return the form in which names of distributions are compared."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def select(
    candidates: Sequence[Candidate], setting: str | None
) -> tuple[list[Candidate], list[Candidate], list[str]]:
    """Return the candidates to load, those to skip, and words of the setting that name nothing installed.

    Args:
        candidates: what `discover` found.
        setting: the value of `VISIONCAM_PLUGINS`: `None` for all, empty for none, else names of entry points
            or distributions separated by commas.
    """
    if setting is None:
        return list(candidates), [], []
    words = {word.strip(): canonical(word) for word in setting.split(",") if word.strip()}
    names = [{canonical(one.name), canonical(one.distribution)} for one in candidates]
    allowed = [not own.isdisjoint(words.values()) for own in names]
    chosen = list(compress(candidates, allowed))
    skipped = [one for one, loads in zip(candidates, allowed, strict=True) if not loads]
    known = set().union(*names)
    return chosen, skipped, [word for word, key in words.items() if key not in known]
