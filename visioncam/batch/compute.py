"""Explanations in batches of one size, halved when memory runs out; a bad picture costs no good one."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import attrs

from visioncam.batch.entry import Entry, out_of_memory
from visioncam_core.engine.batches import COUNTERS
from visioncam_core.errors import ImageError, is_full
from visioncam_core.images.sample import Read, Sample
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.results.explanation import Explanation
from visioncam_core.results.provenance import source_digest
from visioncam_core.text import brief


@attrs.frozen(eq=False)
class Ready:
    """A picture that is decoded and fitted to the model."""

    entry: Entry
    item: Sample

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the model's inputs; only pictures of equal ones share a batch."""
        return tuple(x.shape for x in self.item.flat)


@attrs.define(eq=False)
class Computer:
    """Explains pictures, always in batches of one size.

    Processors round differently in different rows of a batch, by one unit in the last place.  So a
    picture's row follows from its number in the source, and rows that are left are filled with another
    picture: its map has the same bytes whatever else is in the batch, after a resume too.
    """

    explainer: Explainer
    target: Any = None  # what is explained where a picture's own row says nothing
    size: int = 8  # pictures in a pass; becomes smaller when memory runs out, and stays so
    smaller: Callable[[int], object] | None = None  # called with the new size

    @property
    def group(self) -> int:
        """Pictures to hand over at once: one for methods that fill batches with changed copies of it."""
        return self.size if "gradients" in self.explainer.methods[0].needs else 1

    def row(self, ready: Ready) -> int:
        return ready.entry.place % self.group

    def decode(self, entry: Entry) -> Ready:
        """Read and fit a picture; safe from several threads.

        Raises:
            ImageError: it is no picture that can be used, or was replaced since the run began.
        """
        source = entry.source
        (item, *_), _ = self.explainer.reader.read([source])
        entry = attrs.evolve(entry, digest=source_digest(source))
        if entry.replaced:  # its line would be of the file before
            raise ImageError(
                f"{brief(entry.image)}: the file was replaced during the run; run the same command "
                "again to explain it"
            )
        name = entry.key.rpartition("/")[2] or entry.key
        return Ready(entry, attrs.evolve(item, source=name))

    def __call__(self, ready: Sequence[Ready]) -> list[Explanation | Exception]:
        """Return an explanation for each picture, or why there is none; all have equal input shapes.

        Raises:
            OSError: the disk is full, which no other picture can help.
        """
        found: dict[int, Explanation | Exception] = {}
        while len(found) < len(ready):
            rows = self._rows(ready, found)
            try:
                found |= zip(rows, self._batch([ready[i] for i in rows]), strict=True)
            except Exception as error:  # a picture, model or method may raise anything
                if is_full(error):
                    raise
                if out_of_memory(error) and self.size > 1:
                    self._halve()
                    continue
                found |= zip(rows, self._bisect([ready[i] for i in rows], error), strict=True)
        return [found[i] for i in range(len(ready))]

    def _rows(self, ready: Sequence[Ready], found: Container[int]) -> list[int]:
        """Return which pictures go into the next batch: no two that belong into the same row of it."""
        rows: dict[int, int] = {}
        for i, one in enumerate(ready):
            if i not in found:
                rows.setdefault(self.row(one), i)
        return list(rows.values())

    def _batch(self, chunk: Sequence[Ready]) -> list[Explanation]:
        rows = {self.row(one): one for one in chunk}
        filled = [rows.get(row, chunk[0]) for row in range(self.group)]
        targets = [self.target if one.entry.target is None else one.entry.target for one in filled]
        explainer = self.explainer.with_settings(batch_size=self.size)
        before = COUNTERS.snapshot()["halved"]
        found = explainer(Read([one.item for one in filled], single=False), targets)
        used = [found[self.row(one)] for one in chunk]
        if COUNTERS.snapshot()["halved"] > before and self.size > 1:
            self._halve()  # the engine had to: begin with less next time
        return used

    def _bisect(self, chunk: Sequence[Ready], error: Exception) -> list[Explanation | Exception]:
        if len(chunk) == 1:
            return [error]
        middle = len(chunk) // 2  # until the bad one is alone
        return [*self(chunk[:middle]), *self(chunk[middle:])]

    def _halve(self) -> None:
        self.size //= 2
        if self.smaller is not None:
            self.smaller(self.size)
