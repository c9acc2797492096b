"""A plugin that loads, and imports what takes long before anybody asked for anything."""

from __future__ import annotations

import matplotlib.pyplot  # noqa: F401  -- the fault

from visioncam_core.hookspecs import hookimpl
from visioncam_core.specs import MethodSpec


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    """Return nothing yet."""
    return []
