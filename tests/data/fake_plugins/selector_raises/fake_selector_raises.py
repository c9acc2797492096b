"""A layer selector that raises on every query."""

from __future__ import annotations

from typing import Any

from visioncam_core.hookspecs import hookimpl


@hookimpl(tryfirst=True)
def visioncam_select_layer(table: Any, query: Any) -> None:
    """Raise."""
    raise RuntimeError(f"boom about {query}")
