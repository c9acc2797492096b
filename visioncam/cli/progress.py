"""The bar of the slow methods: on standard error, and only where somebody watches."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

import attrs

from visioncam_core.progress import people_watch
from visioncam_core.text import clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@attrs.define(eq=False)
class Bar:
    """Draws how many passes of a method are done; wiped away at the end, also when the run fails.

    Attributes:
        label: what is being worked on.
    """

    label: str = ""
    _bar: Progress | None = None
    _task: TaskID | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show `done` of `total` passes."""
        if self._bar is None:
            if not people_watch():
                return
            self._start(total)
        assert self._bar is not None
        assert self._task is not None
        self._bar.update(self._task, completed=done, total=total, description=clean(self.label))
        if done >= total:
            self.close()

    def close(self) -> None:
        """Wipe the bar away."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None

    def __enter__(self) -> Bar:
        """Return the bar; nothing is drawn yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the bar away."""
        self.close()

    def _start(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("passes"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(clean(self.label), total=total)
        self._bar.start()
