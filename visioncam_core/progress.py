"""Progress: a bar for people, a function for programs, silence by default."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from visioncam_core.errors import OptionTypeError
from visioncam_core.text import shown

if TYPE_CHECKING:
    pass


def reporting(progress: Any) -> Progress | None:
    """Return what the scorers call with (done, total).

    Args:
        progress: None or False for silence, True for a bar on a terminal, or a function of (done, total).
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        return bar()
    if callable(progress):
        report: Progress = progress
        return report
    raise OptionTypeError(
        f"progress must be True, None or a function of (done, total), received {shown(progress, 60)}"
    )


def bar() -> Progress:
    """Return a function that draws a bar on standard error while it is called; silent off a terminal."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    state: dict[str, Any] = {}

    def report(done: int, total: int) -> None:
        if "bar" not in state:
            state["bar"] = Bar(console=Console(stderr=True), transient=True)
            state["task"] = state["bar"].add_task("passes", total=total)
            state["bar"].start()
        state["bar"].update(state["task"], completed=done, total=total)
        if done >= total:
            state["bar"].stop()
            state.clear()

    return report


def people_watch() -> bool:
    """Return whether standard error is a terminal that can redraw a line."""
    return (
        sys.stderr is not None
        and sys.stderr.isatty()
        and os.environ.get("TERM", "") not in ("dumb", "unknown")
    )


Progress = Callable[[int, int], None]
"""Called with (done, total)."""
