"""From what the user passes to what the model takes, with the way back kept.

A path, bytes, a Pillow image or a uint8 array is a *picture*: it is fitted to the model, then
preprocessed.  Any other array or tensor is *model input*: it is used as it is, and must fit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.arrays import KINDS, as_array, as_input, check_shape, is_picture
from visioncam_core.datasets import images_of, is_dataset
from visioncam_core.engine.inputs import ModelInput, ModelInputs
from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.geometry import Geometry, fit
from visioncam_core.images import MAX_PIXELS, Picture, load_picture, match_channels
from visioncam_core.interpolate import resize
from visioncam_core.side_inputs import parts_of, rows_of

Preprocess = Callable[[np.ndarray], np.ndarray]
Others = Sequence[tuple[int, np.ndarray]]
"""Rows of the inputs that are not the picture, with their flat positions."""


@attrs.frozen(eq=False)
class Item:
    """One picture of a call: its flat model inputs, and how a map comes back onto it.

    Attributes:
        flat: the model's inputs in flat order, each with a batch axis of one.
        display: what was passed in, for display.
        geometry: how it was fitted, or None for model input.
        source: file name or "array".
        notes: what decoding it decided.
        pixels: the fitted picture before preprocessing (h, w, C), or None for model input.
    """

    flat: tuple[np.ndarray, ...]
    display: np.ndarray
    geometry: Geometry | None
    source: str
    notes: tuple[str, ...]
    pixels: np.ndarray | None = None

    def project(self, heat: np.ndarray) -> np.ndarray:
        """Bring a map on the layer's grid onto what was passed in."""
        if self.geometry is not None:
            return self.geometry.project(heat)
        return resize(heat, self.space(len(heat.shape)))

    def space(self, rank: int) -> tuple[int, ...]:
        """Return the spatial axes of what was passed in."""
        return tuple(self.display.shape[:rank])


@attrs.frozen(eq=False)
class Read:
    """Images that were read before: `Reader.read` hands them on, so that they are decoded once.

    Attributes:
        items: the pictures.
        single: whether a single image was passed.
    """

    items: list[Item]
    single: bool


@attrs.frozen(eq=False)
class Reader:
    """Turns a user's images into items for one model.

    Attributes:
        inputs: what the model says of its inputs.
        preprocess: (N, h, w, C) 0..255 float32 -> model input.
        geometry: how pictures are fitted.
        frame: which picture of an animated or paged file.
        max_pixels: the largest picture that is decoded.
    """

    inputs: ModelInputs
    preprocess: Preprocess
    geometry: object
    frame: int = 0
    max_pixels: int = MAX_PIXELS

    def read(self, images: Any) -> tuple[list[Item], bool]:
        """Return the items, and whether a single image was passed.

        Raises:
            ImageError: anything that cannot be used, naming what was received.
        """
        if isinstance(images, Read):
            return images.items, images.single
        if len(self.inputs.inputs) > 1 or isinstance(images, Mapping):
            parts = parts_of(images, self.inputs)
            pictures, single = self._pictures(parts[self.inputs.image])
            others = [
                (position, self._other(part, self.inputs.inputs[position], len(pictures), single))
                for position, part in enumerate(parts)
                if position != self.inputs.image
            ]
        else:
            (pictures, single), others = self._pictures(images), []
        items = []
        for i, picture in enumerate(pictures):
            try:
                items.append(self._one(picture, [(position, rows[i : i + 1]) for position, rows in others]))
            except ImageError as error:
                if single or isinstance(picture, str | os.PathLike):
                    raise
                raise type(error)(f"image {i} of {len(pictures)}: {error}") from error
        return items, single

    def _rank(self) -> int:
        shape = self.inputs.image_shape
        return len(shape) - 1 if shape is not None else 2

    def _pictures(self, images: Any) -> tuple[list[Any], bool]:
        """Return single pictures, and whether one alone was passed."""
        if is_dataset(images):
            return images_of(images, self._rank()), False
        if isinstance(images, list | tuple):
            if not images:
                raise ImageError("an empty list of images was passed; pass at least one")
            return list(images), False
        if is_picture(images, self._rank()):
            return [images], True
        array = as_array(images)
        if array.ndim != self._rank() + 2:
            return [array], True
        if len(array) == 0:
            raise ImageError(f"an empty batch of shape {array.shape} was passed; pass at least one image")
        return list(array), False

    def _other(self, part: Any, model_input: ModelInput, count: int, single: bool) -> np.ndarray:
        """Return the (count, ...) rows of an input that is not the picture, but may be a second one."""
        if model_input.shape is not None and len(model_input.shape) == 3 and is_picture(part, 2):
            part = self._prepared(self._fitted(self._loaded(part), model_input.shape)[0])
        return rows_of(part, model_input, count, single, self.inputs.channels_first)

    def _one(self, image: Any, others: Others) -> Item:
        """Read one image, without a batch axis."""
        model_input = self.inputs.inputs[self.inputs.image]
        if is_picture(image, self._rank()):
            picture = self._loaded(image)
            pixels, geometry = self._fitted(picture, model_input.shape)
            array = self._prepared(pixels)[0]
            item = Item((), picture.pixels, geometry, _shown_source(picture), picture.notes, pixels)
            what = f"the preprocessed picture {item.source!r}"
        else:
            array = as_array(image, KINDS)
            shape, axis = model_input.shape, 0 if self.inputs.channels_first else -1
            if array.ndim == self._rank() and shape is not None and shape[axis] in (1, None):
                array = np.expand_dims(array, axis)
            check_shape(array, model_input, self.inputs.channels_first)
            display = np.moveaxis(array, 0, -1) if self.inputs.channels_first else array
            item = Item((), np.array(display), None, "array", ())
            what = "the image"
        flat = {**dict(others), self.inputs.image: as_input(array, model_input.dtype, what)[None]}
        return attrs.evolve(item, flat=tuple(flat[i] for i in sorted(flat)))

    def _loaded(self, source: Any) -> Picture:
        return load_picture(source, max_pixels=self.max_pixels, frame=self.frame)

    def _fitted(self, picture: Picture, shape: tuple[int | None, ...] | None) -> tuple[np.ndarray, Geometry]:
        height, width = picture.pixels.shape[:2]
        channels: int | None = None
        if shape is not None:
            axes = shape[1:] if self.inputs.channels_first else shape[:-1]
            channels = shape[0] if self.inputs.channels_first else shape[-1]
            height, width = (want or have for want, have in zip(axes, (height, width), strict=True))
        fitted, geometry = fit(picture, (height, width), self.geometry)
        return match_channels(fitted, channels if channels is not None else 3), geometry

    def _prepared(self, pixels: np.ndarray) -> np.ndarray:
        """Return the (1, ...) model input of a fitted picture."""
        batch = np.asarray(self.preprocess(pixels[None].astype(np.float32)), np.float32)
        if batch.shape[:1] != (1,) or batch.ndim != 4:
            raise ImageTypeError(
                f"preprocess turned a picture of shape {(1, *pixels.shape)} into {batch.shape}; it must keep "
                "the batch axis and return (N, h, w, C)"
            )
        return np.moveaxis(batch, -1, 1) if self.inputs.channels_first else batch


def _shown_source(picture: Picture) -> str:
    return os.path.basename(picture.source) or picture.source
