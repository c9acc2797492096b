"""Device and dtype of a model's inputs, and a layer's output on the grid and back."""

from __future__ import annotations

from typing import Any

import attrs
import torch

from visioncam_core.engine import layouts
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
    """Return `(N, *grid, K)` from a layer's output in the given layout."""
    return layouts.to_grid(torch, values, layout)


def from_grid(values: Any, layout: Layout, original: Any) -> Any:
    """Return a layer's output from `(B, *grid, K)`, as contiguous as the layer would make it."""
    found = layouts.from_grid(torch, values, layout, original)
    return found.contiguous() if layout.kind == "channels_first" else found
