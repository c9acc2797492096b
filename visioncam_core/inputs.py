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

from visioncam_core.arrays import as_array, check_finite, check_shape, is_picture
from visioncam_core.engine.inputs import ModelInputs
from visioncam_core.errors import ImageError, ImageTypeError
from visioncam_core.geometry import Geometry, fit
from visioncam_core.images import Picture, load_picture, match_channels
from visioncam_core.interpolate import resize

Preprocess = Callable[[np.ndarray], np.ndarray]


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
class Reader:
    """Turns a user's images into items for one model.

    Attributes:
        inputs: what the model says of its inputs.
        preprocess: (N, h, w, C) 0..255 float32 -> model input.
        geometry: how pictures are fitted.
    """

    inputs: ModelInputs
    preprocess: Preprocess
    geometry: object

    def read(self, images: Any) -> tuple[list[Item], bool]:
        """Return the items, and whether a single image was passed.

        Raises:
            ImageError: anything that cannot be used, naming what was received.
        """
        if len(self.inputs.inputs) > 1 and isinstance(images, dict | list | tuple):
            return self._several(images)
        if isinstance(images, dict) and len(images) == 1:
            images = next(iter(images.values()))
        if isinstance(images, list | tuple):
            if not images:
                raise ImageError("an empty list of images was passed; pass at least one")
            return [self._one(image, ()) for image in images], False
        if is_picture(images, self._rank()):
            return [self._one(images, ())], True
        array = as_array(images)
        rank = self._rank()
        if array.ndim == rank + 2:
            if len(array) == 0:
                raise ImageError(f"an empty batch of shape {array.shape} was passed; pass at least one image")
            return [self._one(array[i], ()) for i in range(len(array))], False
        return [self._one(array, ())], True

    def _rank(self) -> int:
        shape = self.inputs.image_shape
        return len(shape) - 1 if shape is not None else 2

    def _several(self, images: Mapping[Any, Any] | Sequence[Any]) -> tuple[list[Item], bool]:
        """Read the inputs of a model with several: a mapping or a sequence in the model's own structure."""
        parts = self._parts(images)
        image = parts[self.inputs.image]
        single = True
        if isinstance(image, list | tuple):
            count, single = len(image), False
            pictures = list(image)
        elif is_picture(image, self._rank()):
            count, pictures = 1, [image]
        else:
            array = as_array(image)
            batched = array.ndim == self._rank() + 2
            count, single = (len(array), False) if batched else (1, True)
            pictures = list(array) if batched else [array]
        others = []
        for position, (part, model_input) in enumerate(zip(parts, self.inputs.inputs, strict=True)):
            if position == self.inputs.image:
                continue
            others.append((position, self._other(part, model_input, count, single)))
        items = []
        for i, picture in enumerate(pictures):
            items.append(self._one(picture, [(position, rows[i : i + 1]) for position, rows in others]))
        return items, single

    def _parts(self, images: Any) -> list[Any]:
        structure = self.inputs.structure
        names = [one.name for one in self.inputs.inputs]
        if isinstance(images, Mapping):
            keys = list(structure) if isinstance(structure, Mapping) else names
            if set(images) != set(keys):
                raise ImageError(f"the model takes the inputs {keys}, received {sorted(map(str, images))}")
            if isinstance(structure, Mapping):
                order = sorted(structure, key=lambda key: structure[key])
                return [images[key] for key in order]
            return [images[key] for key in names]
        if len(images) != len(names):
            raise ImageError(f"the model takes {len(names)} inputs {names}, received {len(images)}")
        return list(images)

    def _other(self, part: Any, model_input: Any, count: int, single: bool) -> np.ndarray:
        """Return the (count, ...) rows of an input that is not the picture."""
        rank = len(model_input.shape) if model_input.shape is not None else None
        if is_picture(part, 2) and rank == 3:
            fitted = self._fitted(load_picture(part), model_input.shape)[0]
            array = self._prepared(fitted)
        else:
            array = as_array(part)
        if rank is not None and array.ndim == rank and single:
            array = array[None]
        if rank is not None and array.ndim == rank - 1 and rank == 1 and single:
            array = array.reshape(1, 1)
        check_shape(array[0] if array.ndim else array, model_input, self.inputs.channels_first)
        if len(array) != count:
            raise ImageError(
                f"input {model_input.name!r} has {len(array)} rows for {count} pictures; pass one row for each"
            )
        check_finite(array, f"input {model_input.name!r}")
        return array.astype(model_input.dtype)

    def _one(self, image: Any, others: Sequence[tuple[int, np.ndarray]]) -> Item:
        """Read one image, without a batch axis."""
        model_input = self.inputs.inputs[self.inputs.image]
        if is_picture(image, self._rank()):
            picture = load_picture(image)
            pixels, geometry = self._fitted(picture, model_input.shape)
            array = self._prepared(pixels)
            item = Item((), picture.pixels, geometry, _shown_source(picture), picture.notes, pixels)
        else:
            array = as_array(image)
            if (
                array.ndim == self._rank()
                and model_input.shape is not None
                and model_input.shape[-1] in (1, None)
            ):
                array = array[..., None]
            check_shape(array, model_input, self.inputs.channels_first)
            check_finite(array, "the image")
            display = np.moveaxis(array, 0, -1) if self.inputs.channels_first else array
            item = Item((), np.array(display), None, "array", ())
            array = array[None]
        check_finite(array, f"the preprocessed picture {item.source!r}")
        flat = dict(others)
        flat[self.inputs.image] = array.astype(_float(model_input.dtype))
        return attrs.evolve(item, flat=tuple(flat[i] for i in sorted(flat)))

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
                f"preprocess turned a picture of shape {(1, *pixels.shape)} into {batch.shape}; it must keep the batch axis "
                "and return (N, h, w, C)"
            )
        return np.moveaxis(batch, -1, 1) if self.inputs.channels_first else batch


def _float(dtype: str) -> str:
    return dtype if dtype.startswith(("float", "int", "uint")) else "float32"


def _shown_source(picture: Picture) -> str:
    return os.path.basename(picture.source) or picture.source
