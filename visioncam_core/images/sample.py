"""One picture of a call, whole or cut into windows, and how a map comes back onto it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_inputs import ModelInputs
from visioncam_core.errors import ImageError
from visioncam_core.images.arrays import as_input, check_shape
from visioncam_core.images.geometry import Geometry
from visioncam_core.images.tiling import Window
from visioncam_core.images.values import Picture
from visioncam_core.resize import STRETCHED, Placement, placed_matrix, resize


def base_name(source: str) -> str:
    """Return the last part of a path, of a folder too; another word as it is."""
    return os.path.basename(os.path.normpath(source)) or source


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
        unused: how little of its range a picture uses, in words, or "".
        affine: see `values.Raw`.
        frames: of a clip: how many the model was given; None where they are the display's.
    """

    flat: tuple[np.ndarray, ...]
    display: np.ndarray
    geometry: Geometry | None
    source: str
    notes: tuple[str, ...]
    windows: Windows | None = None
    whole: bool = True
    unused: str = ""
    affine: np.ndarray | None = None
    frames: int | None = None

    @classmethod
    def of(cls, picture: Picture, flat: tuple[np.ndarray, ...], geometry: Geometry, **more: Any) -> Sample:
        """Return the sample of a picture or a clip that was fitted so; `more` are further fields."""
        about = {"notes": picture.notes, "unused": picture.unused, "affine": picture.affine}
        return cls(flat, picture.pixels, geometry, base_name(picture.source), **{**about, **more})

    def without_inputs(self) -> Sample:
        """Return what is needed to show a map."""
        return Sample(
            (), self.display, self.geometry, self.source, self.notes, None, self.whole, self.unused,
            self.affine, self.frames,
        )  # fmt: skip

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
            shown = len(self.display)
            frames = self.frames or shown
            over_time = placed_matrix(shown, len(heat), frames, 0, frames, placement, 0)
            plane = attrs.evolve(placement, start=placement.start[1:], step=placement.step[1:])
            values = np.tensordot(over_time, heat, 1)
            return np.stack([self.geometry.project(frame, plane) for frame in values])
        if self.geometry is not None:
            return self.geometry.project(heat, placement)
        return resize(heat, self.space(len(heat.shape)), placement)

    def place(self, grid: tuple[int, ...], placement: Placement) -> dict[str, Any] | None:
        """Return where a map of `grid` lies, in shares of height and width; None if it is not of a picture.

        "axes": of each, the first value's place and the step; "seen": top, left, bottom, right of the view.
        """
        if not self.whole or len(grid) != 2:
            return None
        if (fitted := self.geometry) is None:
            high, wide = self.space(2)
            fitted = Geometry("", (high, wide), (high, wide), (0, 0, high, wide), (0, 0, high, wide))
        axes = []
        for i, (low, high, side) in enumerate(
            zip(fitted.view[:2], fitted.view[2:], fitted.shape, strict=True)
        ):
            first, last = placement.read(i, grid[i], fitted.size[i], *fitted.ends(i))
            step = (high - low) / (last - first)
            axes.append([(low + (0.5 - first) * step) / side, step / side])
        return {"axes": axes, "seen": [n / fitted.shape[i % 2] for i, n in enumerate(fitted.view)]}

    def space(self, rank: int) -> tuple[int, ...]:
        return tuple(self.display.shape[:rank])


@attrs.frozen(eq=False)
class Read:
    """Images that were read before: `Reader.read` hands them on, so that they are decoded once.

    Attributes:
        items: the pictures.
        single: whether a single image was passed.
    """

    items: list[Sample]
    single: bool


def input_rows(array: np.ndarray, inputs: ModelInputs) -> list[Sample]:
    """Return the samples of a batch (N, ...) of model input, checked together; none if one does not fit."""
    model_input = inputs.inputs[inputs.image]
    try:
        check_shape(array[0], model_input, inputs.channels_first)
        values = as_input(array, model_input.dtype, "the image", copy=False)
    except ImageError:
        return []
    shown = np.moveaxis(array, 1, -1) if inputs.channels_first and array.ndim > 2 else array
    kind = np.dtype(np.float32) if shown.dtype.name == "bfloat16" else shown.dtype
    return [
        Sample((values[i : i + 1],), np.array(one, kind), None, "array", ()) for i, one in enumerate(shown)
    ]
