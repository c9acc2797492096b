"""`layer="auto"`: the last feature map, chosen from what the model computes and never by its name."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from math import prod
from typing import Any

import attrs

from visioncam_core.engine.layer_table import LayerChoice, LayerRow, LayerTable
from visioncam_core.errors import LayerError
from visioncam_core.layers.queries import no_layer, unknown_layer
from visioncam_core.plugins.hookspecs import hookimpl

_STAND_FOR_PRODUCER = (
    *("Pooling", "Padding", "Dropout", "Cropping", "InputLayer", "UpSampling", "Rescaling"),
    *("MaxPool", "AvgPool", "PadV2", "MirrorPad", "ResizeNearest", "ResizeBilinear"),  # of a graph's own
)
ENOUGH_SUPPORT = 0.5
WORTH_TELLING = 0.1
MOST_TRIES = 6
_CHOSEN: weakref.WeakKeyDictionary[LayerTable, LayerChoice] = weakref.WeakKeyDictionary()
"""What was chosen before: a table never changes, and a changed model has another."""


@hookimpl(trylast=True)
def visioncam_select_layer(table: LayerTable, query: Any) -> LayerChoice:
    """Answer `"auto"`, and refuse what no other selector answered.

    1. Rows that depend on the picture and that the score depends on, by a gradient where any has one.
    2. With more than one position of the picture; where the graph does not tell, the model has to confirm it.
    3. Not the logits; pooling, padding, dropout and reshapes stand for their producer; no patch projection.
    4. Where an axis of the picture is gone (columns, frames): only if the network goes on there for long.
    5. Not a single channel, such as attention weights, nor attention's queries, keys and values, where there
       are others.
    6. Among tokens, rows and columns the latest whose gradient reaches more than half of them.
    7. For dense outputs the last row of the smallest grid whose positions go on to the output's.
    8. Otherwise the last row; where most evidence flows around it, the last one of its grid in front that
       has it all.
    """
    if not (isinstance(query, str) and query == "auto"):
        raise unknown_layer(table, query)
    if table not in _CHOSEN:
        choice = _chosen(table)
        share = table.around(choice.row)
        if share > ENOUGH_SUPPORT and not table.dense and not _in_a_row(choice.row):
            choice = _in_front(table, choice)
            share = table.around(choice.row)
        if share > WORTH_TELLING:
            why = f"{choice.why}; about {share:.0%} of the evidence reaches the score along paths around it"
            choice = attrs.evolve(choice, why=why)
        _CHOSEN[table] = choice
    return _CHOSEN[table]


def _chosen(table: LayerTable) -> LayerChoice:
    rows = [row for row in table.candidates if _usable(row) and table.image in row.inputs]
    rows = [row for row in rows if row.layout is not None and row.layout.channels > 1] or rows
    tokens = any(row.layout is not None and row.layout.kind == "tokens" for row in rows)
    rows = [row for row in rows if not row.raw] or rows
    rows = [row for row in rows if not row.feeds] or rows
    rows = [row for row in rows if not row.stops] or rows
    if tokens:
        rows = [row for row in rows if not row.projects] or rows
    if table.dense and rows:
        rows = [row for row in rows if not row.ends] or rows
        smallest = min(prod(row.grid) for row in rows)
        rows = [row for row in rows if prod(row.grid) == smallest]
    else:
        rows = _of_all_axes(rows)
    rows = _confirmed(table, rows)
    if not rows:
        raise LayerError(_nothing(table))
    last = rows[-1]
    if table.dense:
        why = f"the last layer of the smallest grid {_by(last.grid)}, because the output is dense"
        return LayerChoice(last, why)
    if _in_a_row(last):
        return _among_tokens(table, rows, [row for row in rows if _in_a_row(row)])
    return LayerChoice(last, f"the last feature map with positions, {_by(last.grid)}")


def _usable(row: LayerRow) -> bool:
    if (
        not row.reaches_score
        or row.is_score
        or row.copy_of
        or any(word in row.kind for word in _STAND_FOR_PRODUCER)
    ):
        return False
    if row.layout is None or row.layout.kind == "heads" or row.kind == "Normalization":
        return False
    return prod(row.grid) > 1


def _in_a_row(row: LayerRow) -> bool:
    """Whether positions are tokens, rows, columns or frames: a score may be read from few of them."""
    if row.layout is None or row.layout.kind not in ("tokens", "columns"):
        return False
    return row.layout.kind == "tokens" or sum(n > 1 for n in row.grid) == 1


def _of_all_axes(rows: list[LayerRow]) -> list[LayerRow]:
    """Return the rows without those that lost an axis of the picture, unless these are most of them.

    A video's frames or a text's columns, pooled for a recurrent layer or two, tell less than the maps before;
    where the network goes on in columns, its features are made there.
    """
    whole = [row for row in rows if not (row.layout and row.layout.kind == "columns" and _in_a_row(row))]
    return whole if 2 * len(whole) >= len(rows) else rows


def _confirmed(table: LayerTable, rows: Sequence[LayerRow]) -> list[LayerRow]:
    """Return the rows up to the last whose positions are the picture's; few are tried, each takes a pass."""
    left = list(rows)
    tries = 0
    while left and left[-1].guessed:
        if not table.refusal(left[-1]):
            break
        left.pop()
        tries += 1
        if tries == MOST_TRIES:
            left = [row for row in left if not row.guessed]
    return [row for row in left if not row.guessed or row is left[-1]]


def _in_front(table: LayerTable, choice: LayerChoice) -> LayerChoice:
    """Return the last map of the same grid that all evidence goes through, where most goes around the choice.

    Gates and attention maps come behind the features that they weigh, and are not what is weighed.
    """
    rows = [row for row in table.candidates if _usable(row) and row.grid == choice.grid and not row.raw]
    ahead = rows[: rows.index(choice.row)] if choice.row in rows else []
    for row in reversed(ahead[-MOST_TRIES:]):
        if table.image in row.inputs and not row.guessed and table.around(row) <= WORTH_TELLING:
            why = f"the last feature map with positions, {_by(row.grid)}, that all evidence goes through"
            return LayerChoice(row, why)
    return choice


def _among_tokens(table: LayerTable, rows: Sequence[LayerRow], token_rows: list[LayerRow]) -> LayerChoice:
    shares = table.token_support(token_rows)
    for row, share in zip(reversed(token_rows), reversed(shares), strict=True):
        if share > ENOUGH_SUPPORT:
            kind = "columns or rows" if row.layout and row.layout.kind == "columns" else "tokens"
            there = "them" if kind != "tokens" else "the patches"
            why = f"the last {kind} whose gradient reaches {there} ({share:.0%} of {_by(row.grid)})"
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
        f"the model {table.model_name!r} has no layer with more than one position of the picture; "
        f"choose by hand, e.g. {names}"
    )


def _by(grid: tuple[int, ...]) -> str:
    return "×".join(map(str, grid))
