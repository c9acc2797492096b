"""Calling plugin code, and reporting what goes wrong in it."""

from __future__ import annotations

from visioncam_core.errors import PluginError
from visioncam_core.plugins.discovery import version_of

OWN_CODE = "your own code"


def plugin_failure(kind: str, name: str, source: str, cause: str) -> PluginError:
    """Return the error for a plugin that went wrong when it was run.

    Args:
        kind: "method", "renderer" or "metric".
        name: its name.
        source: the distribution that brought it, or `OWN_CODE`.
        cause: what happened, one line.
    """
    version = "" if source == OWN_CODE else version_of(source)
    return PluginError(f"{kind} {name!r} of {source} {version}".rstrip() + f" failed at stage 'run': {cause}")
