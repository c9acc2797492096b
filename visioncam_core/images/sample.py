"""One picture of a call, whole or cut into windows, and how a map comes back onto it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.images.geometry import Geometry
from visioncam_core.images.tiling import Window
from visioncam_core.resize import STRETCHED, Placement, placed_matrix, resize


@attrs.frozen(eq=False)
class Windows:
    """How one picture is cut into several inputs.

    Attributes:
        boxes: (top, left, bottom, right) of each, all of one size.
        geometry: of each: how its pixels lie in the input; None for model input.
        cut: makes the (1, ...) image input of a window.
        position: of the image among the flat inputs.
    """

    boxes: list[Window]
    geometry: Geometry | None
    cut: Callable[[Window], np.ndarray]
    position: int


@attrs.frozen(eq=False)
class Sample:
    """One picture of a call: its flat model inputs, and how a map comes back onto it.

    Attributes:
        flat: the model's inputs in flat order, each with a batch axis of one.
        display: what was passed in, for display.
        geometry: how it was fitted, a clip's frames alike, or None for model input.
        source: file name or "array".
        notes: what decoding it decided.
        windows: the windows it is explained in, one after the other; `flat` is that of the first.
        whole: False for one of several windows.
    """

    flat: tuple[np.ndarray, ...]
    display: np.ndarray
    geometry: Geometry | None
    source: str
    notes: tuple[str, ...]
    windows: Windows | None = None
    whole: bool = True

    def parts(self) -> Iterator[Sample]:
        """Yield the item itself, or each of its windows, made when it is asked for."""
        if self.windows is None:
            yield self
            return
        place = self.windows.position
        for values in map(self.windows.cut, self.windows.boxes):
            flat = (*self.flat[:place], values, *self.flat[place + 1 :])
            yield attrs.evolve(self, flat=flat, windows=None, whole=False)

    def project(self, heat: np.ndarray, placement: Placement = STRETCHED) -> np.ndarray:
        """Bring a map on the layer's grid onto what was passed in; that of a window stays on its grid."""
        if not self.whole:
            return heat
        if self.geometry is not None and heat.ndim == 3:  # a clip, whose frames were fitted alike
            frames = len(self.display)
            over_time = placed_matrix(frames, len(heat), frames, 0, frames, placement, 0)
            plane = attrs.evolve(placement, start=placement.start[1:], step=placement.step[1:])
            values = np.tensordot(over_time, heat, 1)
            return np.stack([self.geometry.project(frame, plane) for frame in values])
        if self.geometry is not None:
            return self.geometry.project(heat, placement)
        return resize(heat, self.space(len(heat.shape)), placement)

    def place(self, grid: tuple[int, ...], placement: Placement) -> dict[str, Any] | None:
        """Return where a map lies on a picture, as `Geometry.place`; None of anything else."""
        if not self.whole or len(grid) != 2:
            return None
        if self.geometry is not None:
            return self.geometry.place(grid, placement)
        high, wide = self.space(2)
        whole = (0, 0, high, wide)
        return Geometry("", (high, wide), (high, wide), whole, whole).place(grid, placement)

    def space(self, rank: int) -> tuple[int, ...]:
        return tuple(self.display.shape[:rank])
