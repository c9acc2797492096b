"""Device and dtype of a model's inputs, and a layer's output on the grid and back."""

from __future__ import annotations

from typing import Any

import attrs
import torch

from visioncam_core.engine.layer_table import Layout


@attrs.frozen
class Placing:
    """Where a model takes its inputs.

    Attributes:
        device: of its weights; of several, that of the first.
        dtype: of its weights, for inputs of real numbers.
    """

    device: Any
    dtype: Any

    @classmethod
    def of(cls, model: Any) -> Placing:
        """Return where a model's first weight of real numbers lies; the CPU for a model without weights."""
        for one in (*model.parameters(), *model.buffers()):
            if one.is_floating_point():
                return cls(one.device, one.dtype)
        return cls(torch.device("cpu"), torch.float32)

    def placed(self, flat: list[Any]) -> list[Any]:
        """Return inputs where the model takes them; they are never the caller's own after a change."""
        with torch.inference_mode(False):
            return [x.to(self.device, self.dtype if x.is_floating_point() else x.dtype) for x in flat]


def to_grid(values: Any, layout: Layout) -> Any:
    """Return `(N, *grid, K)` from a layer's output in the given layout; nothing is copied where it can be."""
    if layout.kind == "channels_first" and not layout.split:
        return values.movedim(1, -1)
    if layout.prefix + layout.suffix:
        end = values.shape[layout.axis] - layout.suffix
        values = values[(slice(None),) * layout.axis + (slice(layout.prefix, end),)]
    if layout.split:
        values = values.reshape(-1, *layout.split)
        values = values.permute(0, *(place + 1 for place in layout.order))
    if layout.split or layout.kind == "tokens":
        return values.reshape(-1, *layout.grid, layout.channels)
    return values


def from_grid(values: Any, layout: Layout, original: Any) -> Any:
    """Return a layer's output from `(B, *grid, K)`; tokens beside the picture's are taken from `original`."""
    if layout.kind == "channels_first" and not layout.split:
        return values.movedim(-1, 1).contiguous()
    if not layout.split and layout.kind != "tokens":
        return values
    if layout.split:
        values = values.reshape(-1, *(layout.split[place] for place in layout.order))
        values = values.permute(0, *(layout.order.index(place) + 1 for place in range(len(layout.order))))
    shape, axis = list(original.shape[1:]), layout.axis
    shape[axis - 1] -= layout.prefix + layout.suffix
    values = values.reshape(-1, *shape)
    if not layout.prefix + layout.suffix:
        return values
    every, end = (slice(None),) * axis, original.shape[axis] - layout.suffix
    lead, trail = original[(*every, slice(layout.prefix))], original[(*every, slice(end, None))]
    ends = [part.expand(len(values), *part.shape[1:]) for part in (lead, trail)]
    return torch.cat([ends[0], values, ends[1]], axis)
