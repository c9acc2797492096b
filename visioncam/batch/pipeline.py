"""Decoding, computing and writing at once, each with a bounded queue before it."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import attrs

from visioncam.batch.compute import Computer, Ready
from visioncam.batch.entry import Entry
from visioncam.batch.write import Writing
from visioncam_core.errors import is_full

Outcome = tuple[Entry, dict[str, Any] | Exception]  # a picture and its line, or its error
AHEAD = 3  # batches that are decoded or written while one is computed


# Works through pictures: each comes back once, and no new one is begun once the second argument says so.
Engine = Callable[[Iterable[Entry], Callable[[], bool]], Iterator[Outcome]]


@attrs.frozen(eq=False)
class Local:
    """This process: threads decode and write, the calling thread computes."""

    computer: Computer
    writing: Writing
    workers: int = 2  # threads for each of decoding and writing
    before_batch: Callable[[], object] = lambda: None  # called before each batch is computed
    # seconds that the calling thread spent, see `Summary`
    waits: dict[str, float] = attrs.field(factory=lambda: defaultdict(float))

    def __call__(self, entries: Iterable[Entry], stopped: Callable[[], bool]) -> Iterator[Outcome]:
        """Yield the outcome of each picture; a full disk is raised."""
        decoders = ThreadPoolExecutor(self.workers, "visioncam-decode")
        writers = ThreadPoolExecutor(self.workers, "visioncam-write")
        written: deque[tuple[Entry, Future[dict[str, Any]]]] = deque()
        try:
            for entry, outcome in self._compute(self._decode(entries, decoders, stopped), stopped):
                if isinstance(outcome, Exception):
                    job: Future[dict[str, Any]] = Future()
                    job.set_exception(outcome)
                else:
                    job = writers.submit(self.writing, entry, outcome, self.computer.size)
                written.append((entry, job))
                while len(written) > AHEAD * self.computer.size or (written and written[0][1].done()):
                    yield self._result("writing", *written.popleft())
            while written:
                yield self._result("writing", *written.popleft())
        finally:
            decoders.shutdown(cancel_futures=True)
            writers.shutdown(cancel_futures=True)

    def _decode(
        self, entries: Iterable[Entry], pool: ThreadPoolExecutor, stopped: Callable[[], bool]
    ) -> Iterator[tuple[Entry, Ready | Exception]]:
        waiting: deque[tuple[Entry, Future[Ready]]] = deque()
        for entry in entries:
            if stopped():
                return
            waiting.append((entry, pool.submit(self.computer.decode, entry)))
            if len(waiting) > AHEAD * self.computer.size:
                yield self._result("decoding", *waiting.popleft())
        while waiting and not stopped():
            yield self._result("decoding", *waiting.popleft())

    def _compute(
        self, decoded: Iterable[tuple[Entry, Ready | Exception]], stopped: Callable[[], bool]
    ) -> Iterator[tuple[Entry, Any]]:
        """Yield explanations and errors; pictures of equal input shapes are computed together."""
        waiting: dict[Any, list[Ready]] = {}
        for entry, ready in decoded:
            if isinstance(ready, Exception):
                yield entry, ready
                continue
            if self.computer.row(ready) in map(self.computer.row, waiting.get(ready.shapes, ())):
                yield from self._explain(waiting.pop(ready.shapes))  # its row is taken: a batch with a gap
            group = waiting.setdefault(ready.shapes, [])
            group.append(ready)
            if len(group) >= self.computer.group:
                yield from self._explain(waiting.pop(ready.shapes))
            elif sum(map(len, waiting.values())) > AHEAD * self.computer.size:  # many sizes: the fullest goes
                yield from self._explain(waiting.pop(max(waiting, key=lambda shapes: len(waiting[shapes]))))
        for group in waiting.values():
            if not stopped():
                yield from self._explain(group)

    def _explain(self, group: list[Ready]) -> Iterator[tuple[Entry, Any]]:
        self.before_batch()
        start = time.perf_counter()
        every = self.computer(group)
        self.waits["explaining"] += time.perf_counter() - start
        for ready, found in zip(group, every, strict=True):
            yield ready.entry, found

    def _result(self, kind: str, entry: Entry, job: Future[Any]) -> tuple[Entry, Any]:
        """Return what a thread came to; a full disk is everybody's error."""
        start = time.perf_counter()
        error = job.exception()
        self.waits[kind] += time.perf_counter() - start
        if error is None:
            return entry, job.result()
        if is_full(error) or not isinstance(error, Exception):
            raise error
        return entry, error
