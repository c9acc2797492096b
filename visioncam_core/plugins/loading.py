"""Load plugins, whatever they do: import, check, ask for their rows, and record what went wrong.

A plugin may raise anything, call `sys.exit`, or return nonsense; it costs a
`Problem` on its own record and nothing else.  Only `KeyboardInterrupt` passes:
that one is the user's.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

import attrs

from visioncam_core.errors import PluginError
from visioncam_core.plugins.discovery import ALLOW, Candidate, discover, select, version_of
from visioncam_core.plugins.hooks import implementations
from visioncam_core.plugins.hookspecs import API_VERSION
from visioncam_core.plugins.records import HookImpl, Plugin, Problem, problem_from
from visioncam_core.plugins.specs import KINDS
from visioncam_core.text import brief, did_you_mean, listing

SLOW_AFTER = 5.0
"""Seconds after which a plugin's loading is called slow."""

_MOST_ROWS = 1000
T = TypeVar("T")


def load_all(
    builtins: Sequence[str], distribution: str, slow_after: float, *, discovering: bool
) -> tuple[list[Plugin], list[str]]:
    """Load the built-ins, then the installed plugins that `VISIONCAM_PLUGINS` allows; as `Registry`.

    Returns:
        Every plugin, built-ins first, also failed and skipped ones; and warnings about the variable itself.
    """
    version = version_of(distribution)
    plugins = []
    for name in builtins:  # errors of ours are raised
        module = importlib.import_module(name)
        plugins.append(load_module(Plugin(name, distribution, version, builtin=True, module=module)))
    if not discovering:
        return plugins, []
    setting = os.environ.get(ALLOW)
    found = [one for one in discover() if one.value not in builtins]
    chosen, skipped, unknown = select(found, setting)
    plugins += [load_candidate(one, slow_after) for one in chosen]
    reason = Problem("not-allowed", f"{ALLOW}={setting!r} excludes it", quiet=True)
    plugins += [
        Plugin(one.name, one.distribution, one.version, allowed=False, problems=(reason,)) for one in skipped
    ]
    names = sorted({name for one in found for name in (one.name, one.distribution)})
    return plugins, [
        f"{ALLOW} names {word!r}, which is not an installed plugin"
        f"{did_you_mean(word, names) or ';'} installed: {listing(names)}"
        for word in unknown
    ]


class _StageError(Exception):
    def __init__(self, stage: str, error: BaseException) -> None:
        super().__init__(stage)
        self.stage, self.error = stage, error


def _attempt(stage: str, call: Callable[..., T], *args: Any) -> T:
    """Call third-party code; whatever it raises, but KeyboardInterrupt, becomes a _StageError."""
    try:
        return call(*args)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:
        raise _StageError(stage, exc) from exc


def load_candidate(candidate: Candidate, slow_after: float = SLOW_AFTER) -> Plugin:
    """Load an installed plugin.  A failure is recorded as a problem, never raised."""
    plugin = Plugin(candidate.name, candidate.distribution, candidate.version)
    if candidate.problem is not None:
        return attrs.evolve(plugin, problems=(problem_from("metadata", candidate.problem),))
    started = time.monotonic()
    try:
        module = _resolve(candidate.value)
    except _StageError as failure:
        problem = problem_from(failure.stage, failure.error)
        return attrs.evolve(plugin, problems=(problem,), seconds=time.monotonic() - started)
    return load_module(attrs.evolve(plugin, module=module), slow_after, started)


def _resolve(value: str) -> object:
    """Import `"module"` or `"module:attribute"`."""
    path, _, attribute = value.partition("[")[0].replace(" ", "").partition(":")
    found: object = _attempt("import", _import, path, value)
    for part in attribute.split(".") if attribute else ():
        found = _attempt("entry-point", _attribute, found, part, value)
    return found


def _import(path: str, value: str) -> object:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as exc:
        missing = exc.name or ""
        if path == missing or path.startswith(missing + "."):
            raise PluginError(
                f"its entry point {value!r} names the module {missing!r}, which does not exist; reinstall it"
            ) from exc
        raise PluginError(
            f"it needs the module {missing!r}, which is not installed; install the package that has it"
        ) from exc


def _attribute(owner: object, name: str, value: str) -> object:
    try:
        return getattr(owner, name)
    except AttributeError as exc:
        raise PluginError(
            f"its entry point {value!r} names {name!r}, which the module does not have"
        ) from exc


def load_module(plugin: Plugin, slow_after: float = SLOW_AFTER, started: float | None = None) -> Plugin:
    """Return an imported plugin with the rows that work, and a problem for each thing that does not.

    Args:
        plugin: with `module` set.
        slow_after: seconds after which a plugin is reported as slow.
        started: when its import began, by `time.monotonic`.

    Raises:
        BaseException: whatever went wrong, if the plugin is a built-in.
    """
    started = time.monotonic() if started is None else started
    try:
        _attempt("api-version", _check_version, plugin.module)
        impls = _attempt("hooks", implementations, plugin.module)
    except _StageError as failure:
        if plugin.builtin:
            raise failure.error from None
        return attrs.evolve(plugin, problems=(problem_from(failure.stage, failure.error),))
    loading = _Loading(plugin)
    rows: dict[str, Any] = {
        f"{kind}s": loading.rows(impls, f"visioncam_register_{kind}s", spec) for kind, spec in KINDS.items()
    }
    seconds = time.monotonic() - started
    if seconds > slow_after and not plugin.builtin:
        fix = "import heavy libraries where they are used, not at the top of a module"
        slow = Problem("slow", f"it took {seconds:.1f} s to load, more than {slow_after:g} s; {fix}")
        loading.problems.append(slow)
    return attrs.evolve(
        plugin,
        impls=tuple(impl for impl in impls if impl not in loading.broken),
        problems=tuple(loading.problems),
        seconds=seconds,
        **rows,
    )


def _check_version(module: object) -> None:
    version = getattr(module, "VISIONCAM_API_VERSION", API_VERSION)
    if isinstance(version, bool) or not isinstance(version, int):
        raise PluginError(
            f"VISIONCAM_API_VERSION must be an int such as {API_VERSION}, received {brief(version)}"
        )
    if version > API_VERSION:
        raise PluginError(
            f"it is made for plugin API version {version}, this VisionCam has version {API_VERSION}; "
            "update visioncam or install an older release of the plugin"
        )


class _Loading:
    """Asks one plugin for rows and gathers the problems."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.problems: list[Problem] = []
        self.broken: list[HookImpl] = []

    def rows(self, impls: Iterable[HookImpl], hook: str, kind: type[T]) -> tuple[T, ...]:
        good: list[T] = []
        for impl in impls:
            if impl.hook != hook:
                continue
            try:
                answer = _attempt("register", _ask, impl, kind)
            except _StageError as failure:
                self._failed(failure)
                self.broken.append(impl)
                continue
            for row in answer:
                try:
                    good.append(_attempt("row", _check_row, row, kind, hook, self.plugin.distribution))
                except _StageError as failure:
                    self._failed(failure)
        return tuple(good)

    def _failed(self, failure: _StageError) -> None:
        if self.plugin.builtin:
            raise failure.error
        self.problems.append(problem_from(failure.stage, failure.error))


def _ask(impl: HookImpl, kind: type) -> list[object]:
    answer = impl()
    if isinstance(answer, (str, bytes, kind)) or not isinstance(answer, Iterable):
        hint = "; have you forgotten the return?" if answer is None else ""
        hint = "; have you forgotten the list around it?" if isinstance(answer, kind) else hint
        raise PluginError(
            f"{impl.hook} must return a list of {kind.__name__} rows, received {brief(answer)}{hint}"
        )
    rows = list(islice(answer, _MOST_ROWS + 1))
    if len(rows) > _MOST_ROWS:
        raise PluginError(f"{impl.hook} returned more than {_MOST_ROWS} rows; is it an endless generator?")
    return rows


def _check_row(row: Any, kind: type[Any], hook: str, distribution: str) -> Any:
    if not isinstance(row, kind):
        raise PluginError(f"{hook} must return {kind.__name__} rows, received {brief(row)}")
    if ":" in row.name:
        raise PluginError(
            f"{hook} returned the name {row.name!r}; a name has no colon, the registry adds one"
        )
    return attrs.evolve(row, distribution=distribution)
