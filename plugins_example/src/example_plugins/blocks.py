"""Layers by resolution: `layer="block:4"`."""

from __future__ import annotations

from typing import Any

from visioncam_core.errors import LayerError
from visioncam_core.layers import LayerChoice, LayerTable

SCHEME = "block:"


def by_block(table: LayerTable, query: Any) -> LayerChoice | None:
    """Return the last layer of a block.

    A block is all the layers of one resolution.  `block:1` is the first in the model, in most networks the
    finest; `block:-1` is the last.  No list of architectures is needed: VGG16's `block:4` is `block4_conv3`,
    ResNet50's is the end of `conv4`.

    Args:
        table: the model's layers.
        query: what the user passed as `layer=`.

    Returns:
        The choice, or None for a query that is no block.

    Raises:
        LayerError: a block that the model does not have.
    """
    if not isinstance(query, str) or not query.startswith(SCHEME):
        return None
    rows = [row for row in table.candidates if row.reaches_score and not row.is_score and not row.copy_of]
    grids = list(dict.fromkeys(row.grid for row in rows))
    try:
        number = int(query.removeprefix(SCHEME))
    except ValueError:
        number = 0
    if not 1 <= abs(number) <= len(grids):
        sizes = ", ".join("×".join(map(str, grid)) for grid in grids) or "none"
        raise LayerError(
            f"layer={query!r}: pass {SCHEME}1 to {SCHEME}{len(grids)}, or {SCHEME}-1 for the last; the "
            f"blocks of {table.model_name!r} are: {sizes}"
        )
    number = number if number > 0 else len(grids) + 1 + number
    grid = grids[number - 1]
    row = [row for row in rows if row.grid == grid][-1]
    return LayerChoice(row, f"the last layer of block {number} of {len(grids)}, {'×'.join(map(str, grid))}")
