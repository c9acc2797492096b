"""Misspells a hook."""

from __future__ import annotations

from visioncam_core.hookspecs import hookimpl


@hookimpl
def visioncam_register_method() -> list[object]:
    """Return nothing."""
    return []
