"""A layer's output as a grid, and a grid as the layer's output, for one picture or a batch of them."""

from __future__ import annotations

from typing import Any

from visioncam_core.engine.layer_table import Layout


def to_grid(xp: Any, values: Any, layout: Layout) -> Any:
    """Return `(N, *grid, K)` from a layer's output in the given layout.

    Args:
        xp: NumPy, or `jax.numpy`.
        values: (N, ...).
        layout: where the space is in them.
    """
    if layout.kind == "channels_first":
        return xp.moveaxis(values, 1, -1)
    if layout.prefix + layout.suffix:
        end = values.shape[layout.axis] - layout.suffix
        values = values[(slice(None),) * layout.axis + (slice(layout.prefix, end),)]
    if layout.split:
        values = values.reshape(-1, *layout.split)
        values = values.transpose(0, *(place + 1 for place in layout.order))
    if layout.split or layout.kind == "tokens":
        return values.reshape(-1, *layout.grid, layout.channels)
    return values


def from_grid(xp: Any, values: Any, layout: Layout, original: Any) -> Any:
    """Return a layer's output from `(1, *grid, K)`; tokens beside the picture's are taken from `original`."""
    if layout.kind == "channels_first":
        return xp.moveaxis(values, -1, 1)
    if not layout.split and layout.kind != "tokens":
        return values
    if layout.split:
        values = values.reshape(-1, *(layout.split[place] for place in layout.order))
        values = values.transpose(0, *(layout.order.index(place) + 1 for place in range(len(layout.order))))
    shape, axis = [int(n) for n in original.shape[1:]], layout.axis
    shape[axis - 1] -= layout.prefix + layout.suffix
    values = values.reshape(-1, *shape)
    if not layout.prefix + layout.suffix:
        return values
    every, end = (slice(None),) * axis, original.shape[axis] - layout.suffix
    lead, trail = original[(*every, slice(layout.prefix))], original[(*every, slice(end, None))]
    return xp.concatenate([lead, values, trail], axis=axis)
