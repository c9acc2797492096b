"""Implements a hook with an argument it does not have."""

from __future__ import annotations

from typing import Any

from visioncam_core.hookspecs import hookimpl


@hookimpl
def visioncam_select_layer(table: Any, question: Any) -> None:
    """Answer nothing."""
