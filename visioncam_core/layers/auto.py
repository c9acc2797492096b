"""`layer="auto"`: the last feature map, chosen from what the model computes and never by its name."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from math import prod
from typing import Any

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable, even
from visioncam_core.errors import LayerError
from visioncam_core.layers.queries import no_layer, unknown_layer
from visioncam_core.plugins.hookspecs import hookimpl

_STAND_FOR_PRODUCER = (
    *("Pooling", "Padding", "Dropout", "Cropping", "InputLayer", "UpSampling", "Rescaling"),
    *("MaxPool", "AvgPool", "PadV2", "MirrorPad", "ResizeNearest", "ResizeBilinear"),  # of a graph's own
)
ENOUGH_SUPPORT = 0.5
_CHOSEN: weakref.WeakKeyDictionary[LayerTable, LayerChoice] = weakref.WeakKeyDictionary()
"""What was chosen before: a table never changes, and a changed model has another."""


@hookimpl(trylast=True)
def visioncam_select_layer(table: LayerTable, query: Any) -> LayerChoice:
    """Answer `"auto"`, and refuse what no other selector answered.

    1. Rows that depend on the picture and that the score depends on.
    2. With an even grid of more than one position: strides alike over the axes; or tokens on such a grid.
    3. Not the logits; pooling, padding and dropout stand for their producer; not the patch projection.
    4. Among tokens the latest row whose gradient reaches more than half of the patch tokens.
    5. For dense outputs the last row of the smallest grid.
    6. Otherwise the last row.
    """
    if not (isinstance(query, str) and query == "auto"):
        raise unknown_layer(table, query)
    if table not in _CHOSEN:
        _CHOSEN[table] = _chosen(table)
    return _CHOSEN[table]


def _chosen(table: LayerTable) -> LayerChoice:
    rows = [row for row in table.candidates if _usable(row) and table.image in row.inputs]
    if not rows:
        raise LayerError(_nothing(table))
    token_rows = [row for row in rows if row.layout is not None and row.layout.kind == "tokens"]
    if token_rows:
        after = [row for row in rows if not row.projects]
        rows = after or rows
    if table.dense:
        smallest = min(prod(row.grid) for row in rows)
        rows = [row for row in rows if prod(row.grid) == smallest]
        why = f"the last layer of the smallest grid {_by(rows[-1].grid)}, as the output is dense"
        return LayerChoice(rows[-1], why)
    last = rows[-1]
    if last in token_rows:
        return _among_tokens(table, rows, token_rows)
    return LayerChoice(last, f"the last feature map with positions, {_by(last.grid)}")


def _usable(row: LayerRow) -> bool:
    if (
        not row.reaches_score
        or row.is_score
        or row.copy_of
        or any(word in row.kind for word in _STAND_FOR_PRODUCER)
    ):
        return False
    return prod(row.grid) > 1 and even(row.stride)


def _among_tokens(table: LayerTable, rows: Sequence[LayerRow], token_rows: list[LayerRow]) -> LayerChoice:
    shares = table.token_support(token_rows)
    for row, share in zip(reversed(token_rows), reversed(shares), strict=True):
        if share > ENOUGH_SUPPORT:
            why = f"the last tokens whose gradient reaches the patches ({share:.0%} of {_by(row.grid)})"
            return LayerChoice(row, why)
    grids = [row for row in rows if row not in token_rows and not row.projects]
    if grids:
        return LayerChoice(grids[-1], "the last grid before the tokens: no gradient reaches their patches")
    best = max(range(len(token_rows)), key=lambda i: (shares[i], i))
    return LayerChoice(
        token_rows[best], f"the tokens with the most support, {shares[best]:.0%} of the patches"
    )


def _nothing(table: LayerTable) -> str:
    reaching = [row for row in table.candidates if row.reaches_score and not row.is_score]
    if not reaching:
        return no_layer(table)
    names = ", ".join(f"{row.path!r} {_by(row.grid)}" for row in reaching[-3:])
    return (
        f"no layer of {table.model_name!r} has an even grid of more than one position; "
        f"choose by hand, e.g. {names}"
    )


def _by(grid: tuple[int, ...]) -> str:
    return "×".join(map(str, grid))
