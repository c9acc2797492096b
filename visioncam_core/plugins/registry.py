"""The registry: the one list of methods, renderers, metrics and engines, and the one door to layer selectors.

Nothing is imported until something is first asked for; then every plugin is
loaded, each on its own (`visioncam_core.plugins.loading`), under a lock.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from visioncam_core.errors import PluginError, PluginWarning
from visioncam_core.plugins.catalogue import find, make
from visioncam_core.plugins.engines import Engines
from visioncam_core.plugins.loading import SLOW_AFTER, load_module
from visioncam_core.plugins.records import Plugin, PluginInfo, problem_from
from visioncam_core.plugins.specs import MethodSpec, MetricSpec, RendererSpec
from visioncam_core.plugins.state import State, assemble, load_all

if TYPE_CHECKING:
    from visioncam_core.engine.layer_table import LayerChoice, LayerTable

STRICT = "VISIONCAM_STRICT_PLUGINS"


class Registry(Engines):
    """Built-in and installed plugins, loaded when first asked for; safe to share between threads.

    Environment: `VISIONCAM_PLUGINS` (unset loads every installed plugin, empty none, `a,b` only those
    entry points or distributions; built-ins always load) and `VISIONCAM_STRICT_PLUGINS=1` (a broken plugin
    is a `PluginError` instead of a `PluginWarning`).

    Args:
        builtins: names of our own plugin modules.
        discover: whether to look for installed plugins.
        distribution: who ships the built-ins.
        slow_after: seconds after which a plugin that still loads is reported.
    """

    def __init__(
        self,
        builtins: Sequence[str] = (),
        *,
        discover: bool = True,
        distribution: str = "visioncam",
        slow_after: float = SLOW_AFTER,
    ) -> None:
        self._builtins = tuple(builtins)
        self._discover = discover
        self._distribution = distribution
        self._slow_after = slow_after
        self._lock = threading.RLock()
        self._state: State | None = None
        self._loading = False
        self._told: set[str] = set()
        self._reports: list[str] = []
        super().__init__()

    def __reduce__(self) -> tuple[type[Registry], tuple[Sequence[str]], dict[str, object]]:
        """Be pickled, in an explanation say, as what plugins are loaded from: another process loads its own.

        A plugin that was added by hand stays behind.
        """
        names = ("_builtins", "_discover", "_distribution", "_slow_after")
        return type(self), (self._builtins,), {name: getattr(self, name) for name in names}

    def __deepcopy__(self, memo: object) -> Registry:
        """Be shared by a copy in the same process."""
        return self

    # ------------------------------------------------------------------ names

    def methods(self) -> tuple[MethodSpec, ...]:
        """Return every method, built-ins first; `method(row.name)` finds each."""
        return self._loaded().methods.rows

    def renderers(self) -> tuple[RendererSpec, ...]:
        """Return every renderer, built-ins first; `renderer(row.name)` finds each."""
        return self._loaded().renderers.rows

    def metrics(self) -> tuple[MetricSpec, ...]:
        """Return every metric, built-ins first; `metric(row.name)` finds each."""
        return self._loaded().metrics.rows

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return what became of every plugin, also of those that failed or were not allowed.

        Also under `VISIONCAM_STRICT_PLUGINS`: whoever asks what is wrong gets the answer.
        """
        return tuple(plugin.info for plugin in self._loaded(asked=True).plugins)

    def method(self, name: str) -> MethodSpec:
        """Return the method with this name or alias, in any spelling, or as `distribution:name`.

        Raises:
            NameNotFoundError: there is none (the nearest are offered), or several plugins bring it.
        """
        state = self._loaded()
        return find(state.methods, name, state.absent)

    def renderer(self, name: str) -> RendererSpec:
        """Return the renderer with this name or alias; as `method`."""
        state = self._loaded()
        return find(state.renderers, name, state.absent)

    def metric(self, name: str) -> MetricSpec:
        """Return the metric with this name or alias; as `method`."""
        state = self._loaded()
        return find(state.metrics, name, state.absent)

    def make_method(
        self, method: str | object, options: Mapping[str, object] | None = None
    ) -> tuple[MethodSpec | None, object]:
        """Return a method object, and its row if the registry has it.

        Args:
            method: a name, a row, or a method object, which passes through.
            options: keyword arguments for a name or row; refused beside an object, which has its own.

        Raises:
            NameNotFoundError: an unknown name.
            OptionTypeError: an unknown option, a value of the wrong type, options beside an object, or
                something that is no method.
            OptionError: a value out of its range.
        """
        state = self._loaded()
        return make(state.methods, method, options or {}, state.absent)

    def make_renderer(
        self, renderer: str | object, options: Mapping[str, object] | None = None
    ) -> tuple[RendererSpec | None, object]:
        """Return a renderer object, and its row if the registry has it; as `make_method`."""
        state = self._loaded()
        return make(state.renderers, renderer, options or {}, state.absent)

    def make_metric(
        self, metric: str | object, options: Mapping[str, object] | None = None
    ) -> tuple[MetricSpec | None, object]:
        """Return a metric object, and its row if the registry has it; as `make_method`."""
        state = self._loaded()
        return make(state.metrics, metric, options or {}, state.absent)

    # ----------------------------------------------------------------- layers

    def selectors(self) -> tuple[tuple[PluginInfo, object], ...]:
        """Return the plugins that answer layer queries, in the order they are asked, with their modules."""
        return tuple((plugin.info, plugin.module) for plugin, _ in self._loaded().selectors)

    def select_layer(self, table: LayerTable, query: object) -> LayerChoice:
        """Return the first selector's answer to a layer query.

        Args:
            table: what the model computes.
            query: a name, path, index, layer, callable, `"auto"`, or a plugin's scheme.

        Raises:
            LayerError: no selector answers; what a selector said about the query is in the message.
            PluginError: a selector returned something that is not a LayerChoice.
        """
        from visioncam_core.layers.choose import first_answer

        return first_answer(self._loaded().selectors, table, query, self._selector_failed)

    def _selector_failed(self, plugin: Plugin, error: BaseException) -> None:
        self._plugin_failed(plugin, "select-layer", error)

    def _plugin_failed(self, plugin: Plugin, stage: str, error: BaseException) -> None:
        """Write the failure down, and warn the first time."""
        problem = problem_from(stage, error)
        with self._lock:
            before = self._loaded()
            self._state = before.with_problem(plugin, problem)
            first = self._state is not before
        report = attrs.evolve(plugin, problems=(problem,)).report
        _refuse_if_strict([report])
        if first:
            self._tell([report])

    # ---------------------------------------------------------------- loading

    def add_plugin(
        self,
        module: object,
        name: str,
        distribution: str = "local",
        *,
        version: str = "",
        whole: bool = False,
    ) -> PluginInfo:
        """Add a plugin that is not installed: a local file in progress, or a test's.

        A plugin of the same name and distribution is replaced.

        Args:
            module: an imported module, or any object whose attributes are marked with `hookimpl`.
            name: how listings call it.
            distribution: the prefix of its qualified names, `"local:mycam"`.
            version: shown in listings.
            whole: a broken one is refused, and nothing changes.

        Returns:
            What became of it; a broken one is also warned about.

        Raises:
            PluginError: it is broken and `whole` or `VISIONCAM_STRICT_PLUGINS` is set.
        """
        with self._lock:
            state = self._loaded()
            new = load_module(Plugin(name, distribution, version, module=module), self._slow_after)
            if whole and new.status == "failed":
                error = PluginError(new.report)
                error.add_note(new.info.traceback)
                raise error
            kept = [one for one in state.plugins if one.key != new.key]
            state = assemble([*kept, new])
            reports = _reports(state)
            _refuse_if_strict(reports)
            self._state, self._reports = state, reports
        self._tell(reports)
        return next(one.info for one in state.plugins if one.key == new.key)

    def _loaded(self, *, asked: bool = False) -> State:
        """Return the state, loading the plugins when it is first asked for.

        Args:
            asked: the question is what became of the plugins, so a broken one is no error, not even under
                strict settings.
        """
        state = self._state or self._load()
        if self._reports and not (asked and strict()):
            self._tell(self._reports)
        return state

    def _load(self) -> State:
        with self._lock:
            if self._state is not None:
                return self._state
            if self._loading:
                raise PluginError(
                    "VisionCam was asked for its methods while it loads the plugins; "
                    "a plugin must not do that when it is imported or registers"
                )
            self._loading = True
            try:
                plugins, warned = load_all(
                    self._builtins, self._distribution, self._slow_after, discovering=self._discover
                )
                state = assemble(plugins)
            finally:
                self._loading = False
            self._reports = [*warned, *_reports(state)]
            self._state = state
        return state

    def _tell(self, reports: Iterable[str]) -> None:
        """Warn once about each report; under strict settings raise."""
        _refuse_if_strict(reports)
        for report in reports:
            if report not in self._told:
                self._told.add(report)
                warnings.warn(report, PluginWarning, stacklevel=4)


def _reports(state: State) -> list[str]:
    return [plugin.report for plugin in state.plugins if plugin.report]


def strict() -> bool:
    """Return whether `VISIONCAM_STRICT_PLUGINS` is set, so that a broken plugin is an error."""
    return os.environ.get(STRICT, "0").strip().lower() not in ("", "0", "false", "no", "off")


def _refuse_if_strict(reports: Iterable[str]) -> None:
    found = list(reports)
    if found and strict():
        raise PluginError("\n".join(found))
