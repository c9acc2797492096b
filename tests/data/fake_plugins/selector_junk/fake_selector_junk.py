"""A layer selector that answers with something that is no LayerChoice."""

from __future__ import annotations

from typing import Any

from visioncam_core.hookspecs import hookimpl


@hookimpl
def visioncam_select_layer(table: Any, query: Any) -> str | None:
    """Answer with text."""
    return "conv1" if query == "junk:1" else None
