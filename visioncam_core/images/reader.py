"""From what the user passes to what the model takes, with the way back kept.

A path, bytes, a Pillow image or a uint8 array is a *picture*: it is fitted to the model, then preprocessed.
So are clips, for a model of videos or volumes, 16-bit arrays of another shape than the model's, and with a
window all arrays.  Any other array or tensor is *model input*: it is used as it is, and must fit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_inputs import ModelInput, ModelInputs
from visioncam_core.errors import ImageError, ImageTypeError, OptionError
from visioncam_core.images.arrays import (
    KINDS,
    as_array,
    as_input,
    check_shape,
    check_size,
    fits,
    has_16_bits,
    has_channels_first,
    input_name,
    is_dataset,
    is_number,
    is_picture,
    shape_text,
)
from visioncam_core.images.clips import FRAMES, clips_among, frames_of, is_clip, load_clip
from visioncam_core.images.decode import MAX_PIXELS, load_picture, match_channels
from visioncam_core.images.geometry import Geometry, Resize, Tile, fit, geometry_named
from visioncam_core.images.multiple_inputs import images_of, parts_of, rows_of
from visioncam_core.images.opaque import as_called
from visioncam_core.images.sample import Read, Sample, Windows, base_name, input_rows
from visioncam_core.images.tiling import Window
from visioncam_core.images.values import Picture, Range
from visioncam_core.ops import to_numpy
from visioncam_core.text import brief

Preprocess = Callable[[np.ndarray], np.ndarray]
Others = Sequence[tuple[int, np.ndarray]]
"""Rows of the inputs that are not the picture, with their flat positions."""


@attrs.frozen(eq=False)
class Reader:
    """Turns a user's images into items for one model.

    Attributes:
        inputs: what the model says of its inputs.
        preprocess: (N, h, w, C) 0..255 float32 -> model input.
        geometry: how pictures are fitted.
        frame: which picture of an animated or paged file.
        max_pixels: the largest picture that is decoded.
        whole: (H, W, C) uint8 picture -> (h, w, C) model input, in the place of geometry and preprocess.
        window: (low, high), the values that become black and white.
    """

    inputs: ModelInputs
    preprocess: Preprocess
    geometry: object
    frame: int = 0
    max_pixels: int = MAX_PIXELS
    whole: Callable[[np.ndarray], np.ndarray] | None = None
    window: Range | None = None

    def read(self, images: Any) -> tuple[list[Sample], bool]:
        """Return the items, and whether a single image was passed; `ImageError` names what cannot be used."""
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
        if isinstance(pictures, np.ndarray):
            if rows := self._rows(pictures):
                return rows, False
            pictures = list(pictures)
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

    def _rows(self, array: np.ndarray) -> list[Sample]:
        """Return the samples of a batch of model input; none where each is to be looked at by itself."""
        alone = len(self.inputs.inputs) == 1 and not isinstance(geometry_named(self.geometry), Tile)
        if not alone or self.window is not None or self._is_picture(array[0]):
            return []
        return input_rows(array, self.inputs)

    def _pictures(self, images: Any) -> tuple[Any, bool]:
        """Return single pictures, in a list or along the first axis of an array; whether one was passed."""
        if is_dataset(images):
            return images_of(images, self._rank()), False
        if isinstance(images, list | tuple):
            if not images:
                raise ImageError("an empty list of images was passed; pass at least one")
            if is_number(images):
                return self._pictures(as_array(images))
            if self._rank() != FRAMES:
                return list(images), False
            return clips_among(images, self._takes(), self.max_pixels)
        if self._is_picture(images):
            return [images], True
        array = as_array(images)
        if array.ndim != self._rank() + 2:
            return [array], True
        if len(array) == 0:
            raise ImageError(f"an empty batch of shape {array.shape} was passed; pass at least one image")
        return array, False

    def _other(self, part: Any, model_input: ModelInput, count: int, single: bool) -> np.ndarray:
        """Return the (count, ...) rows of an input that is not the picture, but may be a second one."""
        pictures = part if isinstance(part, list) else [part]
        if len(model_input.shape or ()) == 3 and pictures and all(is_picture(one, 2) for one in pictures):
            geometry = geometry_named(self.geometry)
            geometry = Resize() if isinstance(geometry, Tile) else geometry
            loaded = [self._loaded(one).pixels for one in pictures]
            fitted = [self._fitted(pixels, model_input.shape, geometry)[0] for pixels in loaded]
            if len({one.shape for one in fitted}) > 1:
                raise ImageError(
                    f"the pictures of {input_name(model_input)} have different sizes; pass them one at a time"
                )
            part = self._prepared(np.stack(fitted))
        return rows_of(part, model_input, count, single, self.inputs.channels_first)

    def _is_picture(self, value: Any) -> bool:
        """Return whether a value is one picture, or one clip, that is no model input."""
        shape, rank = tuple(getattr(value, "shape", ())), self._rank()
        if is_picture(value, rank) or rank not in (2, FRAMES) or len(shape) not in (rank, rank + 1):
            return is_picture(value, rank)
        taken = fits(shape, self.inputs.image_shape or shape) or fits((*shape, 1), self._takes())
        return self.window is not None or (has_16_bits(value) and not taken)

    def _one(self, image: Any, others: Others) -> Sample:
        if self.window is not None and self._is_input(image):
            image = np.moveaxis(as_array(image), 0, -1)
        picture = self._is_picture(image)
        if self._rank() == FRAMES and (picture or is_clip(image)) and not self._is_input(image):
            item = self._clip(load_clip(image, self.max_pixels, self.window, self._takes()[-1]))
        elif self._rank() == 2 and picture:
            item = self._picture(self._loaded(image))
        elif self._rank() != FRAMES and is_picture(image, self._rank()):
            raise ImageTypeError(f"{self._wanted()}; received {brief(image, 40)}, a file or a picture")
        else:
            item = self._values(as_array(image, KINDS))
        flat = {**dict(others), self.inputs.image: item.flat[0]}
        return attrs.evolve(item, flat=tuple(flat[i] for i in sorted(flat)))

    def _picture(self, picture: Picture) -> Sample:
        model_input = self.inputs.inputs[self.inputs.image]
        if self.whole is not None:
            return as_called(self.whole, picture, self.inputs)

        def fitted(box: Window) -> tuple[np.ndarray, Geometry]:
            part = picture.exact[box[0] : box[2], box[1] : box[3]]
            values, made = self._fitted(part, model_input.shape, self.geometry)
            check_size(made.size, model_input, self.inputs.channels_first)
            return values, made

        def as_values(pixels: np.ndarray) -> np.ndarray:
            what = f"the preprocessed picture {base_name(picture.source)!r}"
            return as_input(self._prepared(pixels[None])[0], model_input.dtype, what)[None]

        space = picture.pixels.shape[:2]
        boxes = self._boxes((int(space[0]), int(space[1])))
        pixels, geometry = fitted(boxes[0])
        windows = Windows(boxes, geometry, lambda box: as_values(fitted(box)[0]), self.inputs.image)
        return Sample.of(picture, (as_values(pixels),), geometry, windows=windows if boxes[1:] else None)

    def _clip(self, clip: Picture) -> Sample:
        """Return a clip whose frames are fitted and preprocessed, each as a picture is."""
        model_input, first = self.inputs.inputs[self.inputs.image], self.inputs.channels_first
        shape, count = model_input.shape or (), self._takes()[0]
        exact, notes = frames_of(clip, count)
        given = len(exact)
        if count not in (None, given):
            alone = given == 1 or (clip.pixels.ndim == 3 and clip.pixels.shape[-1] in (3, 4))
            has = "a single picture" if alone else f"{given} frames of shape {clip.pixels.shape[1:]}"
            raise ImageError(
                f"{input_name(model_input)} takes {count} frames, a GIF, a TIFF of several pages or a list "
                f"of pictures; received {has}; pass the {count} to explain as a list"
            )
        if self.frame:
            raise ImageError(f"frame={self.frame} is one picture of a file, and this model takes all of them")
        if isinstance(geometry_named(self.geometry), Tile):
            raise OptionError(
                "geometry='tile' cuts single pictures, not frames; pass 'resize' or 'letterbox'"
            )
        shape = (shape[0], *shape[2:]) if first else shape[1:]
        parts = [self._fitted(frame, shape, self.geometry) for frame in exact]
        values = self._prepared(np.stack([pixels for pixels, _ in parts]))
        values = np.moveaxis(values, 0, 1) if first else values
        values = as_input(values, model_input.dtype, f"the preprocessed clip {base_name(clip.source)!r}")
        return Sample.of(clip, (values[None],), parts[0][1], notes=notes, frames=given)

    def _is_input(self, array: Any) -> bool:
        """Return whether an array is (K, *space) as the model takes it; a picture's channels are last."""
        takes = self.inputs.image_shape
        return self.inputs.channels_first and fits(tuple(getattr(array, "shape", ())), takes or ())

    def _wanted(self) -> str:
        """Return what a model takes that takes no pictures."""
        model_input = self.inputs.inputs[self.inputs.image]
        what = {0: "rows of a table", 1: "signals"}.get(self._rank(), "inputs")
        shape = shape_text(model_input.shape or ())
        return f"{input_name(model_input)} takes {what} of shape {shape}, as an array or a tensor"

    def _takes(self) -> tuple[int | None, ...]:
        """Return what the image input takes, (*space, K)."""
        shape = self.inputs.image_shape or (None, None, None)
        return (*shape[1:], shape[0]) if self.inputs.channels_first else shape

    def _values(self, array: np.ndarray) -> Sample:
        model_input = self.inputs.inputs[self.inputs.image]
        first = self.inputs.channels_first
        shape, axis = model_input.shape, 0 if first else -1
        if array.ndim == self._rank() and shape is not None and shape[axis] in (1, None):
            array = np.expand_dims(array, axis)
        shown = np.moveaxis(array, 0, -1) if first and array.ndim > 1 else array
        boxes = self._boxes((shown.shape[0], shown.shape[1])) if shown.ndim == 3 == self._rank() + 1 else []

        def cut(box: Window) -> np.ndarray:
            part = shown[box[0] : box[2], box[1] : box[3]]
            part = np.moveaxis(part, -1, 0) if first else part
            check_shape(part, model_input, first)
            return as_input(part, model_input.dtype, "the image")[None]

        windows = Windows(boxes, None, cut, self.inputs.image) if boxes[1:] else None
        if windows is None:
            check_shape(array, model_input, first)
        flat = (as_input(array, model_input.dtype, "the image")[None] if windows is None else cut(boxes[0]),)
        display = np.array(shown, np.float32 if shown.dtype.name == "bfloat16" else None)
        return Sample(flat, display, None, "array", (), windows)

    def _boxes(self, space: tuple[int, int]) -> list[Window]:
        """Return the windows of a picture; the whole of it where it is not cut."""
        tile = geometry_named(self.geometry)
        if not isinstance(tile, Tile):
            return [(0, 0, *space)]
        return tile.windows(space, self._size(self.inputs.image_shape, space))

    def _size(self, shape: tuple[int | None, ...] | None, space: tuple[int, int]) -> tuple[int, int]:
        """Return the (h, w) of an input; along an open axis the picture's own length."""
        if shape is None:
            return space
        high, wide = shape[1:] if self.inputs.channels_first else shape[:-1]
        return (high or space[0], wide or space[1])

    def _loaded(self, source: Any) -> Picture:
        source = to_numpy(source) if hasattr(source, "numpy") else source  # a tensor
        channels = self._takes()[-1]
        if self.inputs.channels_first and has_channels_first(source, channels):
            source = np.moveaxis(source, 0, -1)
        return load_picture(source, max_pixels=self.max_pixels, frame=self.frame, window=self.window,
                            channels=channels)  # fmt: skip

    def _fitted(
        self, pixels: np.ndarray, shape: tuple[int | None, ...] | None, geometry: object
    ) -> tuple[np.ndarray, Geometry]:
        fitted, made = fit(pixels, self._size(shape, (pixels.shape[0], pixels.shape[1])), geometry)
        channels = None if shape is None else shape[0 if self.inputs.channels_first else -1]
        if pixels.shape[0] == channels and pixels.shape[2:] not in ((), (1,), (3,), (4,), (channels,)):
            raise ImageError(
                f"the picture {pixels.shape} seems to have its channels first; move them to the end: "
                "numpy.moveaxis(picture, 0, -1)"
            )
        return match_channels(fitted, 3 if channels is None else channels), made

    def _prepared(self, pixels: np.ndarray) -> np.ndarray:
        """Return (N, h, w, C) uint8 pictures, or the frames of a clip, as the model takes them."""
        batch = np.asarray(self.preprocess(pixels.astype(np.float32)), np.float32)
        if batch.shape[:1] != pixels.shape[:1] or batch.ndim != 4:
            raise ImageTypeError(
                f"preprocess turned pictures of shape {pixels.shape} into {batch.shape}; it must keep the "
                "batch axis and return (N, h, w, C)"
            )
        return np.moveaxis(batch, -1, 1) if self.inputs.channels_first else batch
