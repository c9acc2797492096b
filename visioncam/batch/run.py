"""One run: lock, plan, engine, manifest, summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import attrs

from visioncam.batch.entry import Entry, Source, error_line, of_the_run
from visioncam.batch.fingerprint import Facts
from visioncam.batch.lock import Lock
from visioncam.batch.manifest import Manifest
from visioncam.batch.pipeline import Engine
from visioncam.batch.plan import Plan
from visioncam.batch.summary import Summary
from visioncam_core.errors import TargetError, is_full
from visioncam_core.files import check_folder

FEWEST_ERRORS = 100  # that end a run by default, or a tenth of the pictures
SYNC = 64  # lines between two calls that put them onto the disk


@attrs.define(eq=False)
class Run:
    """One run over many pictures."""

    source: Source
    folder: Path  # where results go; made if it does not exist
    facts: Facts  # of the request, for the fingerprint
    batch: int = 8  # pictures in a pass
    force: bool = False  # do again what is finished, where something changed
    # so many failed pictures end the run; None for 100, or a tenth of the pictures
    max_errors: int | None = None
    # called with each event, a mapping with the key "event"
    tell: Callable[[dict[str, Any]], object] = lambda event: None
    stopped: Callable[[], bool] = lambda: False  # called before each picture; whether to end
    # "source" and "model" -> where they are, seen from the folder; for `visioncam verify`
    places: Mapping[str, str] = attrs.field(factory=dict)
    summary: Summary = attrs.field(init=False)  # what it came to so far
    _worked: bool = False
    _pending: list[tuple[Entry, Exception]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.summary = Summary(self.folder)

    def __call__(self, engine: Callable[[Plan], Engine]) -> Summary:
        """Do what is to be done.

        Args:
            engine: makes what computes; it is not called when everything is finished already.

        Raises:
            OutputError: the folder cannot be written, holds another run, or is in use.
            VisionCamError: the request cannot be done for any picture.
        """
        start = time.perf_counter()
        check_folder(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with Lock(self.folder) as lock:
            manifest = Manifest.load(self.folder)
            plan = Plan(self.source, manifest, self.facts, self.force, self.batch, places=self.places)
            plan.prepare()
            summary = self.summary
            notes = [*self.source.notes, lock.note, plan.again, *manifest.notes]
            summary.notes = [note for note in notes if note]
            self.tell({"event": "start", "total": self.source.total, "notes": summary.notes})
            try:
                self._work(plan, engine, summary)
            finally:
                manifest.close()
                summary.seconds = time.perf_counter() - start
        return summary

    def _work(self, plan: Plan, engine: Callable[[Plan], Engine], summary: Summary) -> None:
        entries = plan.open_entries(summary)
        first = next(entries, None)
        if first is None:
            return

        limit = self.max_errors
        if limit is None:
            limit = max(FEWEST_ERRORS, (self.source.total or 0) // 10)
        try:
            work = engine(plan)
        except Exception:
            plan.take_back()  # a model that cannot be loaded
            raise
        outcomes = work(chain([first], entries), self.stopped)
        try:
            for entry, outcome in outcomes:
                self._note(plan, entry, outcome)
                if summary.failures > limit:
                    summary.stopped = f"more than {limit} pictures failed (--max-errors)"
                    return
            self._settle(plan, hopeless=not self.stopped())
            if self.stopped():
                summary.stopped = "interrupted"
        except Exception as error:
            if not is_full(error):
                raise
            summary.stopped = f"no space left ({error})"
        finally:
            summary.waits = dict(getattr(work, "waits", {}))
            close = getattr(outcomes, "close", None)
            if close is not None:
                close()

    def _note(self, plan: Plan, entry: Entry, outcome: dict[str, Any] | Exception) -> None:
        if isinstance(outcome, Exception):
            own = isinstance(outcome, TargetError) and entry.target is not None
            if not self._worked and of_the_run(outcome) and not own:
                self._pending.append((entry, outcome))
                if len(self._pending) >= self.batch:
                    self._settle(plan, hopeless=True)
            else:
                self._failed(plan, entry, outcome)
            return
        self._worked = True
        self._settle(plan, hopeless=False)
        plan.manifest.done(entry, outcome)
        self.summary.done += 1
        if self.summary.done % SYNC == 0:
            plan.manifest.sync()
        self.tell({"event": "done", "key": entry.key, "files": list(outcome["files"])})

    def _settle(self, plan: Plan, *, hopeless: bool) -> None:
        """Raise the first of the errors that may be the request's own, or note each picture's."""
        pending, self._pending = self._pending, []
        if pending and hopeless and not self._worked:
            plan.take_back()
            raise pending[0][1]
        for entry, error in pending:
            self._failed(plan, entry, error)

    def _failed(self, plan: Plan, entry: Entry, error: Exception) -> None:
        line = error_line(entry, error)
        plan.manifest.fail(entry, line)
        self.summary.failed[line["kind"]] += 1
        self.tell({"event": "failed", **line})
