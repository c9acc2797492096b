"""Find and check the hook implementations of one plugin, and call one alone.

Pluggy checks signatures and orders; we call each implementation ourselves,
because pluggy's own call is aborted by the first one that raises.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator

import pluggy

from visioncam_core.errors import PluginError
from visioncam_core.plugins import hookspecs
from visioncam_core.plugins.records import HookImpl
from visioncam_core.text import did_you_mean


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("visioncam")
    manager.add_hookspecs(hookspecs)
    return manager


def implementations(plugin: object) -> tuple[HookImpl, ...]:
    """Return the plugin's hook implementations.

    Args:
        plugin: a module, or any object whose attributes are marked with `hookimpl`.

    Raises:
        PluginError: a misspelt hook, a forgotten `@hookimpl`, a wrapper, or no hook at all.
        pluggy.PluginValidationError: an argument that the hook does not have.
    """
    manager = _manager()
    manager.register(plugin)
    found = []
    callers = manager.get_hookcallers(plugin) or ()
    for caller in callers:
        for raw in caller.get_hookimpls():
            if not caller.has_spec():
                if not raw.optionalhook:
                    raise PluginError(_unknown(caller.name))
            elif raw.wrapper or raw.hookwrapper:
                raise PluginError(f"{caller.name} is a wrapper; VisionCam's hooks cannot be wrapped")
            else:
                found.append(HookImpl(caller.name, raw))
    marked = {name for impl in found for name in (impl.hook, impl.raw.function.__name__)}
    for name in sorted(set(_own_functions(plugin)) - marked):
        if name in hookspecs.HOOKS:
            raise PluginError(f"{name} is not marked; have you forgotten @hookimpl above it?")
        if all(name != caller.name for caller in callers):
            raise PluginError(_unknown(name))
    if not found:
        raise PluginError(f"no hook found; mark at least one of {', '.join(hookspecs.HOOKS)} with @hookimpl")
    return tuple(found)


def _unknown(name: str) -> str:
    hint = did_you_mean(name, hookspecs.HOOKS)
    return f"there is no hook {name!r}{hint or '; hooks: ' + ', '.join(hookspecs.HOOKS)}"


def _own_functions(plugin: object) -> Iterator[str]:
    """Yield names that begin like a hook, of functions defined in the plugin itself."""
    for name in dir(plugin):
        if not name.startswith("visioncam_"):
            continue
        value = getattr(plugin, name, None)
        borrowed = (
            isinstance(plugin, types.ModuleType) and getattr(value, "__module__", "") != plugin.__name__
        )
        if inspect.isroutine(value) and not borrowed:
            yield name


def call_order(plugins: Iterable[object], hook: str) -> list[HookImpl]:
    """Return the implementations of one hook in the order in which pluggy would call them.

    Args:
        plugins: each once, in the order of registration; a later one is called earlier, except under
            `trylast`, where it is called later.
        hook: the hook's name.
    """
    manager = _manager()
    for number, plugin in enumerate(plugins):
        manager.register(plugin, name=str(number))
    return [HookImpl(hook, raw) for raw in reversed(getattr(manager.hook, hook).get_hookimpls())]
