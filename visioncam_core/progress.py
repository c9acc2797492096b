"""Progress: a bar for people, a function for programs, silence by default; and silence of other libraries."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from visioncam_core.errors import OptionTypeError
from visioncam_core.text import brief, clean

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


def reporting(progress: Any) -> Progress | None:
    """Return what the scorers call: `progress` itself, a bar on a terminal for True, or None."""
    if progress is None or progress is False:
        return None
    if progress is True:
        return Bar()
    if not callable(progress):
        raise OptionTypeError(
            f"progress must be True, None or a function of (done, total), received {brief(progress, 60)}"
        )
    report: Progress = progress
    return report


@attrs.define(eq=False)
class Bar:
    """A bar on standard error, drawn only on a terminal; wiped away at the end, also when the run fails."""

    label: str = ""  # what is being worked on
    unit: str = "passes"  # what is counted; without one the rate is shown
    _bar: RichProgress | None = None

    def __call__(self, done: int, total: int | None) -> None:
        """Show `done` of `total`, which may be unknown."""
        if self._bar is None:
            if not people_watch():
                return
            self._bar = _rich_bar(self.unit)
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
        if self._bar is not None:
            self._bar.stop()
        self._bar = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _rich_bar(unit: str) -> RichProgress:
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


def quiet() -> None:
    """Keep the log lines of TensorFlow and other native libraries off the terminal or notebook from now on.

    They write to file descriptor 2 outside Python's logging, some at any log level: it is pointed at nothing,
    also for child processes.  Errors, warnings and log lines of Python are still seen.  Call it before
    TensorFlow is imported.
    """
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    for name in ("absl", "matplotlib", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    before = sys.stderr
    try:
        if before is not None and before.fileno() == 2:
            before.flush()
            sys.stderr = open(  # noqa: SIM115 - it is open as long as the process lives
                os.dup(2), "w", buffering=1, encoding=before.encoding, errors="replace"
            )
            for logger in (logging.root, *logging.root.manager.loggerDict.values()):
                for handler in getattr(logger, "handlers", ()):
                    if isinstance(handler, logging.StreamHandler) and handler.stream is before:
                        handler.setStream(sys.stderr)
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        os.close(nothing)
    except (OSError, ValueError):  # somebody captures it
        return
