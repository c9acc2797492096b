"""A registry that holds what a test puts into it, whatever is installed on the machine."""

from __future__ import annotations

import warnings

from visioncam_core.errors import PluginError, PluginWarning
from visioncam_core.plugins.default import ENGINES, SELECTORS
from visioncam_core.plugins.registry import Registry


def isolated_registry(*plugins: object) -> Registry:
    """Return a registry with these plugins, the built-in layer selectors and engines, and nothing else.

        registry = isolated_registry(my_plugin)
        spec, method = registry.make_method("mycam", {"power": 2.0})

    Installed plugins are not looked for, the environment is not read, and the registry that
    `visioncam.methods()` shows is another one.

    Args:
        *plugins: modules, or objects whose attributes are marked with `hookimpl`.

    Raises:
        PluginError: one of them is broken in any way; the message says how.
    """
    registry = Registry((*SELECTORS, *ENGINES), discover=False)
    for number, plugin in enumerate(plugins):
        name = str(getattr(plugin, "__name__", f"plugin{number}"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PluginWarning)  # it is an error here, below
            info = registry.add_plugin(plugin, name, "test", whole=True)
        if info.error:
            raise PluginError(f"plugin {name!r}: {info.error}")
    return registry
