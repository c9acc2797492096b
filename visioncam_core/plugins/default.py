"""The registry of this process and what is in it: all that a listing needs, without NumPy or the engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from visioncam_core.plugins.local_files import load_file
from visioncam_core.plugins.records import PluginInfo
from visioncam_core.plugins.registry import Registry
from visioncam_core.plugins.specs import EngineSpec, MethodSpec, MetricSpec, RendererSpec

SELECTORS = ("visioncam_core.layers.queries", "visioncam_core.layers.auto")
ENGINES = ("visioncam_engines.plugin",)
BUILTINS = (
    *SELECTORS,
    "visioncam_methods.plugin",
    "visioncam_viz.plugin",
    "visioncam_metrics.plugin",
    *ENGINES,
)


_in_use: ContextVar[Registry | None] = ContextVar("registry", default=None)


def registry() -> Registry:
    """Return the registry of this process: the built-ins, then installed plugins; loaded on first use."""
    return _in_use.get() or _of_process()


@contextmanager
def use_registry(other: Registry) -> Iterator[Registry]:
    """Let `registry()` return another registry inside the block: for tests.

    Args:
        other: where names of methods, renderers, metrics and layer selectors are looked up; other threads
            keep their own.
    """
    token = _in_use.set(other)
    try:
        yield other
    finally:
        _in_use.reset(token)


@lru_cache(maxsize=1)
def _of_process() -> Registry:
    return Registry(BUILTINS)


def methods() -> tuple[MethodSpec, ...]:
    """Return the registered methods, built-ins first."""
    return registry().methods()


def renderers() -> tuple[RendererSpec, ...]:
    """Return the registered renderers, built-ins first."""
    return registry().renderers()


def metrics() -> tuple[MetricSpec, ...]:
    """Return the registered metrics, built-ins first."""
    return registry().metrics()


def engines() -> tuple[EngineSpec, ...]:
    """Return the registered engines, built-ins first."""
    return registry().engines()


def plugins() -> tuple[PluginInfo, ...]:
    """Return every plugin found, with what became of it."""
    return registry().plugins()


def load_plugin(path: str | os.PathLike[str]) -> PluginInfo:
    """Run a Python file and add the methods, renderers and layer selectors it brings, for this process.

    For a plugin in progress; a finished one is installed.  Loading runs the file's code, so name only
    files that you trust.  No file is ever loaded unless it is named, not even from the working directory.
    A file that was loaded before is replaced.

    Args:
        path: the file, with hooks marked by `visioncam_core.plugins.hookspecs.hookimpl`.

    Returns:
        What the file brings.

    Raises:
        PluginNotFoundError: there is no such file.
        PluginError: it is not a Python file, it raises, or something it brings is unusable; nothing changed.
    """
    return load_file(registry(), path)
