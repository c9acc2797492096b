"""What a registry knows once its plugins are loaded, and how it comes to know it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import attrs

from visioncam_core.errors import PluginError
from visioncam_core.plugins.catalogue import Catalogue, Clashes, catalogue
from visioncam_core.plugins.discovery import ALLOW, discover, select, version_of
from visioncam_core.plugins.hooks import call_order
from visioncam_core.plugins.loading import KINDS, load_builtin, load_candidate
from visioncam_core.plugins.records import HookImpl, Plugin, Problem
from visioncam_core.plugins.specs import EngineSpec, MethodSpec, MetricSpec, RendererSpec
from visioncam_core.text import did_you_mean, listing

SELECT = "visioncam_select_layer"


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


def load_all(
    builtins: Sequence[str], distribution: str, slow_after: float, *, discovering: bool
) -> tuple[list[Plugin], list[str]]:
    """Load the built-ins, then the installed plugins that `VISIONCAM_PLUGINS` allows; as `Registry`.

    Returns:
        Every plugin, built-ins first, also failed and skipped ones; and warnings about the variable itself.
    """
    version = version_of(distribution)
    plugins = [load_builtin(name, distribution, version) for name in builtins]
    if not discovering:
        return plugins, []
    setting = os.environ.get(ALLOW)
    found = [one for one in discover() if one.value not in builtins]
    chosen, skipped, unknown = select(found, setting)
    plugins += [load_candidate(one, slow_after) for one in chosen]
    reason = Problem("not-allowed", f"{ALLOW}={setting!r} leaves it out", quiet=True)
    plugins += [
        Plugin(one.name, one.distribution, one.version, allowed=False, problems=(reason,)) for one in skipped
    ]
    names = sorted({name for one in found for name in (one.name, one.distribution)})
    return plugins, [
        f"{ALLOW} names {word!r}, which is no installed plugin"
        f"{did_you_mean(word, names) or ';'} installed: {listing(names)}"
        for word in unknown
    ]


def assemble(plugins: Sequence[Plugin]) -> State:
    """Give the rows their names and the selectors their order."""
    plugins = [
        attrs.evolve(one, problems=tuple(problem for problem in one.problems if problem.stage != "clash"))
        for one in plugins
    ]
    absent = tuple(f"{one.name} ({one.status})" for one in plugins if one.status != "loaded")
    clashes: Clashes = defaultdict(list)
    rows: dict[str, Any] = {f"{kind}s": catalogue(kind, plugins, absent, clashes) for kind in KINDS}
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
