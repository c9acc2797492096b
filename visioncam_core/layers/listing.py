"""What `visioncam.layers(model)` returns: the candidates, and the one that is taken."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, takewhile, zip_longest

import attrs

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable
from visioncam_core.results.notebook import table
from visioncam_core.text import aligned


@attrs.frozen(eq=False, repr=False)
class LayerListing:
    """The layers of a model that can be explained.

    Attributes:
        table: every recorded output, also those that cannot be explained.
        choice: the layer that `layer=` (by default "auto") takes, or None where it finds none.
    """

    table: LayerTable
    choice: LayerChoice | None

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.table)

    def __iter__(self) -> Iterator[LayerRow]:
        """Iterate over the candidates."""
        return iter(self.table)

    def __getitem__(self, index: int) -> LayerRow:
        """Return a candidate by index, negative from the end."""
        return self.table.candidates[index]

    def cells(self) -> list[tuple[str, ...]]:
        """Return the listing as rows of text, the header first."""
        return cells_of(self, self.choice)

    def __repr__(self) -> str:
        """Return an aligned table."""
        return "\n".join(aligned(self.cells()))

    def _repr_html_(self) -> str:
        header, *rows = self.cells()
        taken = next((i for i, row in enumerate(rows) if row[-1]), -1)
        return table(header, rows, taken)


def cells_of(rows: Iterable[LayerRow], choice: LayerChoice | None) -> list[tuple[str, ...]]:
    """Return rows as text, the header first; an arrow marks the choice."""
    found: list[tuple[str, ...]] = [
        ("index", "path", "kind", "output shape", "grid", "stride", "score depends on it", "")
    ]
    for row in rows:
        remark = f"← {choice.why}" if choice is not None and row.path == choice.path else ""
        found.append(
            (
                "" if row.index is None else str(row.index),
                row.path,
                row.kind,
                str(row.shape),
                "×".join(map(str, row.grid)),
                "×".join(f"{step:g}" for step in row.stride),
                "yes" if row.reaches_score else "no",
                row.refused or remark,
            )
        )
    return found


def words_of(row: LayerRow) -> list[str]:
    return re.split(r"[./_]", row.path)


def stage_ends(rows: Iterable[LayerRow]) -> list[LayerRow]:
    """Return the last layer at each resolution, front to back.

    Layers that belong to the block which goes down to the next resolution, by their names, are no end.
    """
    ends: list[LayerRow] = []
    spatial = (
        row for row in rows if row.reaches_score and math.prod(row.grid) > 1 and "Padding" not in row.kind
    )
    runs = [list(run) for _, run in groupby(spatial, key=lambda row: row.grid)]
    for run, after in zip_longest(runs, runs[1:]):
        kept = run
        if after is not None:
            both = zip(words_of(run[-1]), words_of(after[0]), strict=False)
            block = [word for word, _ in takewhile(lambda pair: pair[0] == pair[1], both)]
            kept = [row for row in run if not block or words_of(row)[: len(block)] != block]
        ends.append(kept[-1] if 2 * len(kept) > len(run) else run[-1])
    return ends
