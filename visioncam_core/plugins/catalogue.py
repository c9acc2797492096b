"""Names to rows: who owns a name, and what happens when two want it.

A built-in keeps its names.  A third-party row that wants one of them is listed, and
found, as `distribution:name`.  Two of them that want the same name are both
found that way, and the bare name is an error that names both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import attrs

from visioncam_core.errors import NameNotFoundError, OptionTypeError
from visioncam_core.options.fields import build
from visioncam_core.plugins.records import Plugin, Problem
from visioncam_core.plugins.specs import EngineSpec, MethodSpec, MetricSpec, RendererSpec
from visioncam_core.text import listing, normalise, not_found, shown

Spec = TypeVar("Spec", MethodSpec, RendererSpec, MetricSpec, EngineSpec)
Buildable = TypeVar("Buildable", MethodSpec, RendererSpec, MetricSpec)
Clashes = defaultdict[tuple[str, str], list[Problem]]


@attrs.frozen(eq=False)
class Catalogue(Generic[Spec]):
    """The rows of one kind, found by any of their names.

    Attributes:
        kind: "method", "renderer", "metric" or "engine".
        rows: built-ins first; each under a name that finds it.
        bare: normalised name -> the rows that share it (one, or several third-party ones).
        qualified: normalised `distribution:name` -> the row.
        absent: plugins that are not loaded, `"mycam (failed)"`: a missing name may be one of theirs.
    """

    kind: str
    rows: tuple[Spec, ...]
    bare: Mapping[str, tuple[Spec, ...]]
    qualified: Mapping[str, Spec]
    absent: tuple[str, ...]

    def find(self, name: str) -> Spec:
        """Return the row with this name or alias, in any spelling.

        Raises:
            OptionTypeError: the name is not text.
            NameNotFoundError: no row has it (the nearest are offered), or several third-party rows do.
        """
        if not isinstance(name, str):
            raise OptionTypeError(
                f"{self.kind} must be a name or a {self.kind} object, "
                f"received {shown(name)} ({type(name).__name__})"
            )
        owner, colon, bare = name.rpartition(":")
        key = normalise(bare)
        if colon and f"{normalise(owner)}:{key}" in self.qualified:
            return self.qualified[f"{normalise(owner)}:{key}"]
        rows = () if colon else self.bare.get(key, ())
        if len(rows) == 1:
            return rows[0]
        if rows:
            choices = " or ".join(repr(f"{row.distribution}:{key}") for row in rows)
            owners = " and ".join(row.distribution for row in rows)
            raise NameNotFoundError(f"{self.kind} {shown(name)} is brought by {owners}; write {choices}")
        aliases = [alias for row in self.rows for alias in row.aliases]
        error = not_found(self.kind, name, [row.name for row in self.rows], aliases)
        absent = f"; plugins that are not loaded: {', '.join(self.absent)}" if self.absent else ""
        raise NameNotFoundError(f"{error}{absent}")


def catalogue(
    kind: str, plugins: Iterable[Plugin], absent: tuple[str, ...], clashes: Clashes
) -> Catalogue[Any]:
    """Give every row of one kind its names.

    Args:
        kind: "method", "renderer", "metric" or "engine".
        plugins: built-ins first.
        absent: plugins that are not loaded.
        clashes: what each plugin is part of is added here, by its key.
    """
    sorter = _Sorter[Any](kind, clashes)
    for plugin in plugins:
        for row in getattr(plugin, f"{kind}s"):
            sorter.add(plugin, row)
    return sorter.finish(absent)


class _Sorter(Generic[Spec]):
    """Assigns names row by row and records the clashes."""

    def __init__(self, kind: str, clashes: Clashes) -> None:
        self.kind = kind
        self.clashes = clashes
        self.ours: dict[str, Spec] = {}
        self.third_party: dict[str, list[tuple[Plugin, Spec]]] = {}
        self.qualified: dict[str, Spec] = {}
        self.rows: list[Spec] = []

    def add(self, plugin: Plugin, row: Spec) -> None:
        own = normalise(row.distribution) + ":"
        if own + normalise(row.name) in self.qualified:
            cause = f"{row.distribution} brings two {self.kind}s named {row.name!r}; the second is left out"
            self._clash(plugin, cause)
            return
        self.rows.append(row)
        for word in dict.fromkeys(map(normalise, [row.name, *row.aliases])):
            self.qualified.setdefault(own + word, row)
            if word in self.ours:
                taken = f"the {self.kind} name {word!r} is taken by the built-in {self.ours[word].title}"
                self._clash(plugin, f"{taken}; use '{row.distribution}:{word}'")
            elif plugin.builtin:
                self.ours[word] = row
            else:
                self.third_party.setdefault(word, []).append((plugin, row))

    def finish(self, absent: tuple[str, ...]) -> Catalogue[Spec]:
        for word, rivals in self.third_party.items():
            for plugin, row in rivals:
                others = ", ".join(other.distribution for _, other in rivals if other is not row)
                if others:
                    cause = f"the {self.kind} name {word!r} is also brought by {others}"
                    self._clash(plugin, f"{cause}; use '{row.distribution}:{word}'", quiet=True)
        named = {id(row): self._listed(row) for row in self.rows}
        bare = {word: tuple(named[id(row)] for _, row in rivals) for word, rivals in self.third_party.items()}
        bare |= {word: (named[id(row)],) for word, row in self.ours.items()}
        qualified = {word: named[id(row)] for word, row in self.qualified.items()}
        return Catalogue(self.kind, tuple(named.values()), bare, qualified, absent)

    def _listed(self, row: Spec) -> Spec:
        """Return the row under a name that finds it: the bare one, if that is its own."""
        rivals = self.third_party.get(normalise(row.name), [])
        alone = self.ours.get(normalise(row.name)) is row or (len(rivals) == 1 and rivals[0][1] is row)
        return row if alone else attrs.evolve(row, name=f"{row.distribution}:{row.name}")

    def _clash(self, plugin: Plugin, cause: str, *, quiet: bool = False) -> None:
        self.clashes[plugin.key].append(Problem("clash", cause, quiet=quiet))


def make(
    rows: Catalogue[Buildable], wanted: object, options: Mapping[str, object]
) -> tuple[Buildable | None, object]:
    """Return the object to call, and its row if there is one; see `Registry.make_method`."""
    kind = rows.kind
    if isinstance(wanted, (MethodSpec, RendererSpec, MetricSpec)):
        wanted = wanted.name
    if isinstance(wanted, str):
        spec = rows.find(wanted)
        return spec, build(spec.cls, options, f"{kind} {spec.name!r}")
    if isinstance(wanted, type):
        call = f"{kind}={wanted.__name__}"
        raise OptionTypeError(f"{call} is a class; have you forgotten the ()? write {call}(...)")
    if not callable(wanted):
        raise OptionTypeError(
            f"{kind} must be a name or a {kind} object, received {shown(wanted)} ({type(wanted).__name__})"
        )
    if options:
        raise OptionTypeError(
            f"options {listing(list(options))} were passed beside the {kind} object {shown(wanted)}; "
            f"give them to the object itself: {type(wanted).__name__}(...)"
        )
    return next((row for row in rows.rows if row.cls is type(wanted)), None), wanted
