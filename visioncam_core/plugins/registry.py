"""The registry: the one list of methods, renderers, metrics, engines and layer selectors.

Nothing is imported until the first use; then every plugin is
loaded, each on its own (`visioncam_core.plugins.loading`), under a lock.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import attrs

from visioncam_core.errors import PluginError, PluginWarning
from visioncam_core.plugins.catalogue import State, assemble, make
from visioncam_core.plugins.engines import engine_for, engine_for_file
from visioncam_core.plugins.loading import SLOW_AFTER, load_all, load_module
from visioncam_core.plugins.records import HookImpl, Plugin, PluginInfo, problem_from
from visioncam_core.plugins.specs import EngineSpec, MethodSpec, MetricSpec, RendererSpec

if TYPE_CHECKING:
    from visioncam_core.engine.interface import Engine

STRICT = "VISIONCAM_STRICT_PLUGINS"


class Registry:
    """Built-in and installed plugins, loaded on first use; safe to share between threads.

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
        self._warned: set[str] = set()
        self._reports: list[str] = []
        self._engines: dict[int, tuple[EngineSpec, Engine]] = {}
        self._accepted: WeakKeyDictionary[type, tuple[State, EngineSpec]] = WeakKeyDictionary()

    def methods(self) -> tuple[MethodSpec, ...]:
        """Return every method, built-ins first; `method(row.name)` finds each."""
        return self.state.methods.rows

    def renderers(self) -> tuple[RendererSpec, ...]:
        """Return every renderer, built-ins first; `renderer(row.name)` finds each."""
        return self.state.renderers.rows

    def metrics(self) -> tuple[MetricSpec, ...]:
        """Return every metric, built-ins first; `metric(row.name)` finds each."""
        return self.state.metrics.rows

    def engines(self) -> tuple[EngineSpec, ...]:
        """Return every engine, built-ins first; also under `VISIONCAM_STRICT_PLUGINS`, as `plugins`."""
        return self._loaded(even_broken=True).engines.rows

    def plugins(self) -> tuple[PluginInfo, ...]:
        """Return the status of every plugin, including those that failed or were not allowed.

        Works under `VISIONCAM_STRICT_PLUGINS` too, so that problems can be listed.
        """
        return tuple(plugin.info for plugin in self._loaded(even_broken=True).plugins)

    def method(self, name: str) -> MethodSpec:
        """Return the method with this name or alias, in any spelling, or as `distribution:name`.

        Raises:
            NameNotFoundError: there is none (the nearest are suggested), or several plugins provide it.
        """
        return self.state.methods.find(name)

    def renderer(self, name: str) -> RendererSpec:
        """Return the renderer with this name or alias; as `method`."""
        return self.state.renderers.find(name)

    def metric(self, name: str) -> MetricSpec:
        """Return the metric with this name or alias; as `method`."""
        return self.state.metrics.find(name)

    def make_method(
        self, method: str | object, options: Mapping[str, object] | None = None
    ) -> tuple[MethodSpec | None, object]:
        """Return a method object, and its row if the registry has it.

        Args:
            method: a name, a row, or a method object, which passes through.
            options: keyword arguments for a name or row; refused with an object, which has its own.

        Raises:
            NameNotFoundError: an unknown name.
            OptionTypeError: an unknown option, a value of the wrong type, options given with an object, or
                something that is not a method.
            OptionError: a value out of its range.
        """
        return make(self.state.methods, method, options or {})

    def make_renderer(
        self, renderer: str | object, options: Mapping[str, object] | None = None
    ) -> tuple[RendererSpec | None, object]:
        """Return a renderer object, and its row if the registry has it; as `make_method`."""
        return make(self.state.renderers, renderer, options or {})

    def make_metric(
        self, metric: str | object, options: Mapping[str, object] | None = None
    ) -> tuple[MetricSpec | None, object]:
        """Return a metric object, and its row if the registry has it; as `make_method`."""
        return make(self.state.metrics, metric, options or {})

    def engine_spec(self, model: Any, name: str | None = None) -> EngineSpec:
        """Return the row of the engine that runs a model.

        Args:
            model: any object; it is judged by its classes, and no framework is imported for it.
            name: of the engine, where several run the model.

        Raises:
            ModelError: no engine runs it, or several do and none is named.
            NameNotFoundError: there is no engine of this name.
        """
        state = self.state
        if name is not None:
            return state.engines.find(name)
        known = self._accepted.get(type(model))
        if known is None or known[0] is not state:
            known = state, engine_for(model, state.engines.rows, self._engine_failed)
            if known[0] is self.state:  # no engine failed on the way
                self._accepted[type(model)] = known
        return known[1]

    def engine_of(self, model: Any, name: str | None = None) -> Engine:
        """Return the engine that runs a model; as `engine_spec`."""
        return self.open_engine(self.engine_spec(model, name))

    def engine_for_file(self, path: str | os.PathLike[str]) -> Engine:
        """Return the engine that reads a model file."""
        return self.open_engine(engine_for_file(path, self.state.engines.rows))

    def open_engine(self, spec: EngineSpec) -> Engine:
        """Return the engine of a row, made on first use."""
        known = self._engines.get(id(spec))
        if known is None:
            known = self._engines[id(spec)] = (spec, spec.make())  # with its row, so that no other has its id
        return known[1]

    def _engine_failed(self, spec: EngineSpec, error: BaseException) -> None:
        """Report a third-party engine whose `accepts` raises."""
        owned = [one for one in self.state.plugins if any(row.accepts is spec.accepts for row in one.engines)]
        if not owned or owned[0].builtin:
            raise error
        self.plugin_failed(owned[0], "accepts", error)

    def selectors(self) -> tuple[tuple[Plugin, HookImpl], ...]:
        """Return the layer selectors in the order in which they are called, each with its plugin."""
        return self.state.selectors

    def plugin_failed(self, plugin: Plugin, stage: str, error: BaseException) -> None:
        """Record that a plugin raised when it was called, and warn the first time."""
        problem = problem_from(stage, error)
        with self._lock:
            before = self.state
            self._state = before.with_problem(plugin, problem)
            first = self._state is not before
        report = attrs.evolve(plugin, problems=(problem,)).report
        _refuse_if_strict([report])
        if first:
            self._warn([report])

    def add_plugin(
        self, module: object, name: str, distribution: str = "local", *, whole: bool = False
    ) -> PluginInfo:
        """Add a plugin that is not installed: a local file in progress, or a test's.

        A plugin of the same name and distribution is replaced.

        Args:
            module: an imported module, or any object whose attributes are marked with `hookimpl`.
            name: how listings call it.
            distribution: the prefix of its qualified names, `"local:mycam"`.
            whole: a broken one is refused, and nothing changes.

        Returns:
            What became of it; a broken one is also warned about.

        Raises:
            PluginError: it is broken and `whole` or `VISIONCAM_STRICT_PLUGINS` is set.
        """
        with self._lock:
            state = self.state
            new = load_module(Plugin(name, distribution, module=module), self._slow_after)
            if whole and new.status == "failed":
                error = PluginError(new.report)
                error.add_note(new.info.traceback)
                raise error
            others = [one for one in state.plugins if one.key != new.key]
            state = assemble([*others, new])
            reports = _reports(state)
            _refuse_if_strict(reports)
            self._state, self._reports = state, reports
        self._warn(reports)
        return next(one.info for one in state.plugins if one.key == new.key)

    @property
    def state(self) -> State:
        """What is registered now; another object after every change."""
        return self._loaded()

    def _loaded(self, *, even_broken: bool = False) -> State:
        """Return the state, loading the plugins on first use; `even_broken`: also under strict settings."""
        state = self._state or self._load()
        if self._reports and not (even_broken and strict()):
            self._warn(self._reports)
        return state

    def _load(self) -> State:
        with self._lock:
            if self._state is not None:
                return self._state
            if self._loading:
                raise PluginError(
                    "a plugin requested VisionCam's methods while plugins are being "
                    "loaded; it must not do that when it is imported or registers"
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

    def _warn(self, reports: Iterable[str]) -> None:
        """Warn once about each report; under strict settings raise."""
        _refuse_if_strict(reports)
        for report in reports:
            if report not in self._warned:
                self._warned.add(report)
                warnings.warn(report, PluginWarning, stacklevel=5)


def _reports(state: State) -> list[str]:
    return [plugin.report for plugin in state.plugins if plugin.report]


def strict() -> bool:
    return os.environ.get(STRICT, "0").strip().lower() not in ("", "0", "false", "no", "off")


def _refuse_if_strict(reports: Iterable[str]) -> None:
    found = list(reports)
    if found and strict():
        raise PluginError("\n".join(found))
