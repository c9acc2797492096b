"""What is registered: the rows of each kind by name, who owns a name, and the order of the selectors.

A built-in keeps its names.  A third-party row that wants one of them is listed, and
found, as `distribution:name`.  Two of them that want the same name are both
found that way, and the bare name is an error that names both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs

from visioncam_core.errors import NameNotFoundError, OptionTypeError, PluginError
from visioncam_core.options.fields import build
from visioncam_core.plugins.elsewhere import instead_of
from visioncam_core.plugins.hooks import call_order
from visioncam_core.plugins.records import HookImpl, Plugin, Problem
from visioncam_core.plugins.specs import KINDS, EngineSpec, MethodSpec, MetricSpec, RendererSpec
from visioncam_core.text import brief, listing, normalise, not_found

Spec = TypeVar("Spec", MethodSpec, RendererSpec, MetricSpec, EngineSpec)
Buildable = TypeVar("Buildable", MethodSpec, RendererSpec, MetricSpec)
_A = {"method": "a", "renderer": "a", "metric": "a", "engine": "an"}
SELECT = "visioncam_select_layer"
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
        others: normalised names of the other kinds -> their kind: a missing name may be one of them.
    """

    kind: str
    rows: tuple[Spec, ...]
    bare: Mapping[str, tuple[Spec, ...]]
    qualified: Mapping[str, Spec]
    absent: tuple[str, ...]
    others: Mapping[str, str] = attrs.field(factory=dict)

    def find(self, name: str) -> Spec:
        """Return the row with this name or alias, in any spelling.

        Raises:
            OptionTypeError: the name is not text.
            NameNotFoundError: no row has it (the nearest are suggested), or several third-party rows do.
        """
        if not isinstance(name, str):
            raise OptionTypeError(
                f"{self.kind} must be a name or a {self.kind} object, "
                f"received {brief(name)} ({type(name).__name__})"
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
            raise NameNotFoundError(f"{self.kind} {brief(name)} comes from {owners}; write {choices}")
        names, aliases = [row.name for row in self.rows], [one for row in self.rows for one in row.aliases]
        other = self.others.get(key, "")
        hint = f"; it is the name of {_A[other]} {other}, {other}={name!r}" if other else ""
        hint = hint or (instead_of(bare, names) if self.kind == "method" else "")
        error = not_found(self.kind, name, names, aliases, hint)
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
            cause = f"{row.distribution} provides two {self.kind}s named {row.name!r}; the second is left out"
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
                    cause = f"the {self.kind} name {word!r} also comes from {others}"
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


@attrs.frozen(eq=False)
class State:
    """Everything that is known once plugins are loaded; replaced as a whole, never changed."""

    plugins: tuple[Plugin, ...]
    methods: Catalogue[MethodSpec]
    renderers: Catalogue[RendererSpec]
    metrics: Catalogue[MetricSpec]
    engines: Catalogue[EngineSpec]
    selectors: tuple[tuple[Plugin, HookImpl], ...]

    def with_problem(self, plugin: Plugin, problem: Problem) -> State:
        """Return the state with a problem on one plugin's record, unless it has one of that stage."""
        plugins = list(self.plugins)
        for i, one in enumerate(plugins):
            if one.key == plugin.key:
                if any(old.stage == problem.stage for old in one.problems):
                    return self
                plugins[i] = attrs.evolve(one, problems=(*one.problems, problem))
        return attrs.evolve(self, plugins=tuple(plugins))


def assemble(plugins: Sequence[Plugin]) -> State:
    """Give the rows their names and the selectors their order."""
    plugins = [
        attrs.evolve(one, problems=tuple(problem for problem in one.problems if problem.stage != "clash"))
        for one in plugins
    ]
    absent = tuple(f"{one.name} ({one.status})" for one in plugins if one.status != "loaded")
    clashes: Clashes = defaultdict(list)
    rows: dict[str, Any] = {f"{kind}s": catalogue(kind, plugins, absent, clashes) for kind in KINDS}
    kinds = [(word, one.kind) for one in reversed(rows.values()) for word in one.bare]  # methods say it last
    for plural, one in rows.items():
        others = {word: kind for word, kind in kinds if kind != one.kind and word not in one.bare}
        rows[plural] = attrs.evolve(one, others=others)
    final = []
    for one in plugins:
        if clashes[one.key] and one.builtin:
            raise PluginError("; ".join(clash.cause for clash in clashes[one.key]))
        final.append(attrs.evolve(one, problems=(*one.problems, *clashes[one.key])))
    return State(plugins=tuple(final), **rows, selectors=tuple(_selectors(final)))


def _selectors(plugins: Sequence[Plugin]) -> list[tuple[Plugin, HookImpl]]:
    """Return the layer selectors in pluggy's order.

    Built-ins are registered last: pluggy asks a later `tryfirst` earlier and a later `trylast` later, so
    that the built-in exact selectors come before every third-party one and the built-in `auto` after them.
    """
    with_hooks = sorted((one for one in plugins if one.impls), key=lambda one: one.builtin)
    owners = {impl.key: (one, impl) for one in with_hooks for impl in one.impls if impl.hook == SELECT}
    modules = {id(one.module): one.module for one in with_hooks}
    order = call_order(modules.values(), SELECT)
    return [owners[impl.key] for impl in order if impl.key in owners]


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
        several = (
            f"; several go to visioncam.compare, as {kind}s=" if isinstance(wanted, list | tuple) else ""
        )
        raise OptionTypeError(
            f"{kind} must be a name or a {kind} object, received {brief(wanted)} ({type(wanted).__name__})"
            f"{several if kind == 'method' else ''}"
        )
    if options:
        raise OptionTypeError(
            f"options {listing(list(options))} were passed beside the {kind} object {brief(wanted)}; "
            f"give them to the object itself: {type(wanted).__name__}(...)"
        )
    return next((row for row in rows.rows if row.cls is type(wanted)), None), wanted
