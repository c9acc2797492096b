"""Frames that are one input together: of a video, or the slices of a volume.

A clip is a file of several pictures (GIF, TIFF, WebP), a list of pictures of one size, or an array
(T, H, W) or (T, H, W, C) uint8.  Each frame is fitted and preprocessed as a picture is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError
from visioncam_core.images.arrays import fits, is_picture
from visioncam_core.images.decode import MAX_PIXELS, count_frames, load_frames
from visioncam_core.images.values import Picture, Range, Raw, scaled
from visioncam_core.ops import to_numpy

FRAMES = 3
"""Spatial axes of a model that takes clips: time, or depth, comes first."""


def is_clip(value: Any) -> bool:
    """Return whether a value is one clip, to be fitted to an input of frames."""
    if isinstance(value, list | tuple):
        return bool(value) and all(is_picture(one, 2) for one in value)
    return is_picture(value, FRAMES)


def clips_among(
    values: Sequence[Any], takes: tuple[int | None, ...], max_pixels: int
) -> tuple[list[Any], bool]:
    """Return the clips, or the inputs, that a list holds, and whether it is itself one, a list of frames.

    Args:
        values: not empty.
        takes: (T, H, W, C) of the model.
        max_pixels: the largest picture that is opened.

    Raises:
        ImageError: pictures and animations in one list.
    """
    if not all(is_picture(one, 2) for one in values):
        shapes = {tuple(getattr(one, "shape", ())) for one in values}
        rank = len(next(iter(shapes)))
        frames = len(shapes) == 1 and rank in (2, 3) and not fits((*values[0].shape, 1), takes)
        return ([np.stack([to_numpy(one) for one in values])], True) if frames else (list(values), False)
    if all(fits((*getattr(one, "shape", ()), 1), takes) for one in values):  # volumes of one channel
        return list(values), False
    counts = [count_frames(_plain(one), max_pixels) for one in values]
    if max(counts) == 1:
        return [list(values)], True
    if min(counts) == 1:
        single, several = counts.index(1), counts.index(max(counts))
        raise ImageError(
            f"a list of frames holds single pictures, a list of clips files of several: entry {single} has "
            f"one picture and entry {several} has {max(counts)}; do not mix the two"
        )
    return list(values), False


def load_clip(
    source: Any, max_pixels: int = MAX_PIXELS, window: Range | None = None, channels: int | None = None
) -> Picture:
    """Load a clip as one picture with the pixels (T, H, W) or (T, H, W, C), all frames scaled alike.

    Args:
        source: a file, a folder of DICOM slices, a list of pictures, or an array (T, H, W) or (T, H, W, C).
        max_pixels: the most pixels of a file.
        window: as in `load_picture`.
        channels: that the model takes.

    Raises:
        ImageError: frames of several sizes, and whatever stops a single picture.
    """
    source = _plain(source)
    if isinstance(source, np.ndarray):
        grey = source.ndim == 3 and source.shape[-1] not in (3, 4)
        return scaled(Raw(source.copy(), volume=grey), window)
    sources = [_plain(one) for one in (source if isinstance(source, list | tuple) else [source])]
    found = [one for each in sources for one in load_frames(each, max_pixels=max_pixels, channels=channels)]
    whole = found[0] if len(found) == 1 else _stacked(found, len(sources))
    values = whole.values
    if values.ndim == 2 or (values.ndim == 3 and not whole.volume and values.shape[-1] in (3, 4)):
        values = values[None]
    elif values.ndim == 4 and channels in values.shape[:1] and channels != values.shape[-1]:
        values = np.moveaxis(values, 0, -1)
    volume = whole.volume or (len(sources) == 1 and values.ndim == 3 and len(values) > 1)
    return scaled(attrs.evolve(whole, values=values, volume=volume), window)


def _stacked(found: list[Raw], sources: int) -> Raw:
    """Return frames as one stack."""
    frames = [one.values for one in found]
    if len({one.ndim for one in frames}) > 1:  # some grey, some in colour
        frames = [one if one.ndim == 3 else np.repeat(one[..., None], 3, axis=-1) for one in frames]
    other = next((k for k, one in enumerate(frames) if one.shape != frames[0].shape), None)
    if other is not None:
        raise ImageError(
            f"the frames of a clip must have one size, and frame {other} has the shape {frames[other].shape} "
            f"where frame 0 has {frames[0].shape}; resize them to one size"
        )
    notes = dict.fromkeys(note for one in found for note in one.notes)
    name = found[0].source if sources == 1 else f"{len(found)} frames"
    return attrs.evolve(
        found[0], values=np.stack(frames), source=name, notes=tuple(notes), affine=None, volume=False
    )


def frames_of(clip: Picture, count: int | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a clip's frames, (T, H, W[, C]), and its notes; slices as `count` of them."""
    frames = clip.exact
    if count in (None, len(frames)) or not clip.volume:
        return frames, clip.notes
    return _resampled(frames, count), (*clip.notes, f"{len(frames)} slices resampled to the model's {count}")


def _resampled(frames: np.ndarray, count: Any) -> np.ndarray:
    """Return (T, ...) slices as `count` of them, linear between their middles; fewer are averages."""
    from PIL import Image

    flat = frames.reshape(len(frames), -1).astype(np.float32)
    step = 32_000  # columns that Pillow takes at once
    parts = [
        np.asarray(Image.fromarray(part).resize((part.shape[1], count), Image.Resampling.BILINEAR))
        for part in (np.ascontiguousarray(flat[:, at : at + step]) for at in range(0, flat.shape[1], step))
    ]
    return np.concatenate(parts, axis=1).reshape(count, *frames.shape[1:])


def _plain(value: Any) -> Any:
    return to_numpy(value) if hasattr(value, "numpy") else value  # a uint8 tensor
