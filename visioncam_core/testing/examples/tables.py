"""Layer tables made by hand, for layer selectors: no model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import attrs

from visioncam_core.engine.layer_table import LayerRow, LayerTable, Layout


def make_table(
    grids: Sequence[tuple[int, ...]] = ((32, 48), (16, 24), (8, 12), (4, 6)),
    *,
    each: int = 2,
    size: tuple[int, ...] | None = None,
) -> LayerTable:
    """Return the table of a convolutional network with several layers a resolution.

    Besides the candidates, `stage1/conv1` and so on, it has what every real table has: rows that keep no
    positions, a row that the score does not depend on, one that cannot be explained, and the score itself.

    Args:
        grids: the grid of each stage, finest first; each with one to three axes.
        each: layers a stage.
        size: lengths of the image input's axes; twice the first grid by default.
    """
    image = size or tuple(2 * length for length in grids[0])
    rows = []
    for stage, grid in enumerate(grids, start=1):
        for number in range(1, each + 1):
            rows.append(_row(f"stage{stage}/conv{number}", grid, 8 * stage, image))
    last = grids[-1]
    rows.append(attrs.evolve(_row("aside/conv", last, 4, image), reaches_score=False))
    rows.append(attrs.evolve(_row("twice/conv#1", last, 4, image), refused="it is called in a loop"))
    rows += [_flat("pool", "GlobalAveragePooling"), attrs.evolve(_flat("logits", "Dense"), is_score=True)]
    index = count()
    numbered = (row if row.refused else attrs.evolve(row, index=next(index)) for row in rows)
    return LayerTable(tuple(numbered), image, output="logits", model_name="test")


def bare_table() -> LayerTable:
    """Return the table of a model without a single layer that can be explained."""
    rows = (_flat("hidden", "Dense"), attrs.evolve(_flat("logits", "Dense"), is_score=True))
    return LayerTable(rows, (), output="logits", model_name="bare")


def _row(path: str, grid: tuple[int, ...], channels: int, image: tuple[int, ...]) -> LayerRow:
    stride = tuple(whole / length for whole, length in zip(image, grid, strict=True))
    layout = Layout("grid", grid, channels)
    bare = path.partition("#")[0]
    return LayerRow(path, bare, f"Conv{len(grid)}D", (*grid, channels), layout, stride, (0,), True)


def _flat(path: str, kind: str) -> LayerRow:
    why = "its output shape (None, 10) has no spatial axes that fit the picture"
    return LayerRow(path, path, kind, (10,), None, (), (0,), True, refused=why)
