"""Progress: a bar for people, a function for programs, silence by default."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import attrs

from visioncam_core.errors import OptionTypeError
from visioncam_core.text import clean, shown

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


def reporting(progress: Any) -> Progress | None:
    """Return what the scorers call with (done, total).

    Args:
        progress: None or False for silence, True for a bar on a terminal, or a function of (done, total).
    """
    if progress is None or progress is False:
        return None
    if progress is True:
        return Bar()
    if callable(progress):
        report: Progress = progress
        return report
    raise OptionTypeError(
        f"progress must be True, None or a function of (done, total), received {shown(progress, 60)}"
    )


@attrs.define(eq=False)
class Bar:
    """A bar on standard error, drawn only on a terminal; wiped away at the end, also when the run fails.

    Attributes:
        label: what is being worked on.
        unit: what is counted; without one the rate is shown.
    """

    label: str = ""
    unit: str = "passes"
    _bar: RichProgress | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Show `done` of `total`, which may be unknown."""
        if self._bar is None:
            if not people_watch():
                return
            self._bar = _drawn(self.unit)
            self._bar.add_task("", total=total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, description=clean(self.label))
        if total is not None and done >= total:
            self.close()

    def say(self, text: str) -> bool:
        """Print a line above the bar; return whether there is one."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        return self._bar is not None

    def close(self) -> None:
        """Wipe the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = None

    def __enter__(self) -> Bar:
        """Return the bar; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the bar away."""
        self.close()


def _drawn(unit: str) -> RichProgress:
    from rich import progress as rich
    from rich.console import Console
    from rich.text import Text

    class Rate(rich.ProgressColumn):
        def render(self, task: rich.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:.1f}/s")

    return rich.Progress(
        rich.TextColumn("{task.description}", markup=False),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn(unit) if unit else Rate(),
        rich.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def people_watch() -> bool:
    """Return whether standard error is a terminal that can redraw a line."""
    return (
        sys.stderr is not None
        and sys.stderr.isatty()
        and os.environ.get("TERM", "") not in ("dumb", "unknown")
    )
