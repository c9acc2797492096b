"""How a long run is reported: a bar with rate and time left for people, JSON lines for programs."""

from __future__ import annotations

from typing import Any

import attrs

from visioncam.cli.terminal import Output
from visioncam_core.progress import Bar


@attrs.define(eq=False)
class EventPrinter:
    """Prints the events of a run as they come."""

    output: Output
    bar: Bar
    _done: int = 0
    _total: int | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        if self.output.json:
            self.output.event(event)
            return
        kind = event["event"]
        if kind == "start":
            for note in event["notes"]:
                self.output.line((f"  {note}", "yellow"))
            self._total = event["total"]
        else:
            self._done += 1
        if kind == "failed":
            text = f"{event['key']}: {event['message']}"
            if not self.bar.say(text):
                self.output.error(text)
        self.bar(self._done, self._total)
