"""How a long run is told: a bar with rate and time left for people, JSON lines for programs, else silence."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

import attrs

from visioncam.cli.terminal import Output
from visioncam_core.progress import people_watch
from visioncam_core.text import clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@attrs.define(eq=False)
class Told:
    """Tells the events of a run as they come.

    Attributes:
        output: where to.
        label: what is done, for the bar.
    """

    output: Output
    label: str
    _bar: Progress | None = None
    _task: TaskID | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        """Tell one event."""
        if self.output.json:
            self.output.event(event)
            return
        kind = event["event"]
        if kind == "start":
            for note in event["notes"]:
                self.output.line((f"  {note}", "yellow"))
            self._start(event["total"])
        elif self._bar is not None and self._task is not None:
            self._bar.update(self._task, advance=1)
        if kind == "failed":
            if self._bar is not None:
                self._bar.console.print(f"{event['key']}: {event['message']}", markup=False, highlight=False)
            else:
                self.output.error(f"{event['key']}: {event['message']}")

    def __enter__(self) -> Told:
        """Return it; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _start(self, total: int | None) -> None:
        if not people_watch():
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            ProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.text import Text

        class Rate(ProgressColumn):
            def render(self, task: Any) -> Text:
                speed = task.finished_speed or task.speed
                return Text("" if speed is None else f"{speed:.1f}/s")

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(clean(self.label), total=total)
        self._bar.start()
