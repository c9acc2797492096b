"""The one decoder: every way a user may hand over a picture becomes upright pixels, 8 bits in sRGB.

The API, the command line, batches, reports and the app all come through
`load_picture`, so that a file means the same everywhere and a hostile one is
refused everywhere.  Safe to call from several threads; no global state of
Pillow is changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeGuard

import attrs
import numpy as np

from visioncam_core.errors import ImageError, ImageTypeError, OptionError, OptionTypeError
from visioncam_core.images.colour import ORIENTATION, is_deep, is_srgb, to_srgb
from visioncam_core.images.deep import count_of, deep_png, read_deep
from visioncam_core.images.files import (
    check_frame,
    check_size,
    check_sizes,
    format_of,
    may_be_deep,
    note_of,
    open_image,
    opened,
)
from visioncam_core.images.values import Frame, Picture, Range, Raw, check_window, scaled

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 64_000_000
_LUMA = np.array([[19595], [38470], [7471]], np.float32) / np.float32(65536)


def load_picture(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray | Frame,
    *,
    max_pixels: int = MAX_PIXELS,
    frame: int = 0,
    window: Range | None = None,
    channels: int | None = None,
) -> Picture:
    """Load a picture; see `colour.to_srgb` for what happens to colours, `values.scaled` to more than 8 bits.

    Args:
        source: a path, the bytes of a file, a Pillow image, or an array (H, W), (H, W, 1) or (H, W, C) of
            uint8, uint16 or int16, with `window` of any real numbers.  Files may be PNG, JPEG, WebP, BMP,
            TIFF, GIF, NumPy's, DICOM or NIfTI, whatever they are called; a folder of DICOM files is one.
        max_pixels: the largest number of pixels that will be decoded.  Pillow itself refuses TIFF and
            WebP files above 178 million, and warns of TIFF files above 89 million.
        frame: which picture of an animation or of a file with several pages or slices, from 0; arrays and
            Pillow images have but one.
        window: (low, high), the values that become black and white; what lies outside is clipped.
        channels: that the model takes, so that a file of so many bands is read with all of them.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageTypeError: the source is of a kind that is not a picture.
        ImageError: everything else that stops a picture from being shown, naming the file and the reason.
        BackendError: the extra that reads such files is not installed.
        OptionError: `max_pixels`, `frame` or `window` is out of its range (`OptionTypeError`: no number).
    """
    _check_whole("max_pixels", max_pixels, 1)
    _check_whole("frame", frame, 0)
    if window is not None:
        check_window(None, None, window)
    if isinstance(source, Frame):
        frame, source = source.number, source.path
    if isinstance(source, np.ndarray):
        if frame:
            raise ImageError(f"frame={frame} is for files; an array is one picture: pass the one you want")
        return scaled(Raw(_checked_array(source, window is not None)), window)
    if frame and is_image(source):
        raise ImageError(
            f"frame={frame} is for files; a Pillow image is used at its current frame: seek({frame}) first"
        )
    if deep := _deep(source, max_pixels, channels, frame):
        return scaled(deep[0], window)
    with _opened(source, max_pixels) as (image, name, label):
        notes = () if is_image(source) else _go_to(image, frame, max_pixels, name)
        return scaled(_decoded(image, label, notes), window)


def load_frames(source: Any, *, max_pixels: int = MAX_PIXELS, channels: int | None = None) -> list[Raw]:
    """Load all of a source, unscaled: the frames of an animation, the pages of a file, a volume in one.

    Args:
        source: as in `load_picture`.
        max_pixels: the largest number of pixels of all together.
        channels: as in `load_picture`.
    """
    if isinstance(source, np.ndarray):
        return [Raw(_checked_array(source, True))]
    if deep := _deep(source, max_pixels, channels, None):
        return deep
    with _opened(source, max_pixels) as (image, name, label):
        count, held = getattr(image, "n_frames", 1), image.tell()
        check_sizes([image.size] * count, max_pixels, name)
        if count == 1:
            return [_decoded(image, label, ())]
        try:
            found = []
            for position in range(count):
                image.seek(position)
                check_size(image.size, max_pixels, name)
                found.append(_decoded(image, label, ()))
            return found
        finally:
            image.seek(held)  # a Pillow image is the caller's


def count_frames(source: Any, max_pixels: int = MAX_PIXELS) -> int:
    """Return how many pictures a source holds; none is decoded, but of volumes and series."""
    if isinstance(source, np.ndarray):
        return 1
    if deep := _deep(source, max_pixels, None, None):
        return len(deep) if len(deep) > 1 else count_of(deep[0]) or 1
    with _opened(source, max_pixels) as (image, _, _):
        return int(getattr(image, "n_frames", 1))


def _deep(source: Any, max_pixels: int, channels: int | None, frame: int | None) -> list[Raw] | None:
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if not isinstance(source, str | bytes | os.PathLike) or not may_be_deep(source):
        return None
    return read_deep(source, max_pixels, channels, frame)


@contextmanager
def _opened(source: Any, max_pixels: int) -> Iterator[tuple[Image.Image, str, str]]:
    """Yield a picture as a Pillow image, undecoded, with its names for messages and for results.

    Whatever a damaged file makes its reader raise in the block becomes an `ImageError`.
    """
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if is_image(source):
        check_size(source.size, max_pixels, "Pillow image")
        with _reading("Pillow image", "image"):
            yield source, "Pillow image", "image"
    elif isinstance(source, str | bytes | os.PathLike):
        with opened(source) as (file, name):
            label = "bytes" if isinstance(source, bytes) else os.fsdecode(os.fspath(source))
            kind = format_of(file, name)
            with _reading(name, kind):
                image = open_image(file, kind, name)
                check_size(image.size, max_pixels, name)
                yield image, name, label
    else:
        raise ImageTypeError(
            f"a picture is a path, bytes, a Pillow image or a uint8 array; received {type(source).__name__}"
        )


@contextmanager
def _reading(name: str, kind: str) -> Iterator[None]:
    try:
        yield
    except ImageError:
        raise
    except Exception as exc:  # Pillow raises OSError, SyntaxError, struct.error, ... on damaged files
        raise _failure(name, kind, exc) from exc


def is_image(value: object) -> TypeGuard[Image.Image]:
    """Return whether a value is a Pillow image; Pillow is not imported to say no."""
    return hasattr(value, "getexif") and hasattr(value, "convert")


def match_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Give a picture, (H, W) or (H, W, C) uint8 or float32, the channels a model wants: (H, W, channels).

    Grey becomes RGB by repetition, RGB becomes grey by its luma (0.299 R + 0.587 G + 0.114 B).

    Raises:
        ImageError: there is no agreed conversion between the two numbers.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    has = pixels.shape[-1]
    if has == channels:
        return pixels
    if (has, channels) == (1, 3):
        return np.repeat(pixels, 3, axis=-1)
    if (has, channels) == (3, 1):
        if pixels.dtype != np.uint8:
            return pixels @ _LUMA
        red, green, blue = np.moveaxis(pixels.astype(np.uint32), -1, 0)
        luma: np.ndarray = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
        return luma.astype(np.uint8)[..., None]
    advice = (
        "drop or blend the alpha channel first" if has == 4 else "pass an array with the model's channels"
    )
    raise ImageError(f"the picture has {has} channels and the model takes {channels}; {advice}")


def _go_to(image: Image.Image, frame: int, max_pixels: int, name: str) -> tuple[str, ...]:
    frames = getattr(image, "n_frames", 1)
    check_frame(frame, frames, name)
    if frame:
        image.seek(frame)
        check_size(image.size, max_pixels, name)
    return note_of(frame, frames)


def _decoded(image: Image.Image, label: str, notes: tuple[str, ...]) -> Raw:
    raw = None
    file = getattr(image, "fp", None)
    if image.format == "PNG" and file is not None and is_deep(image):
        profile, grey = image.info.get("icc_profile"), image.mode == "LA"
        if image.mode in ("RGB", "RGBA", "LA") and (not profile or is_srgb(profile)):
            file.seek(0)
            orientation = image.getexif().get(ORIENTATION, 1)
            file.seek(0)
            raw = deep_png(file.read(), grey, orientation, label)
    raw = raw or to_srgb(image, label)
    return attrs.evolve(raw, notes=(*notes, *raw.notes))


def _checked_array(array: np.ndarray, any_numbers: bool = False) -> np.ndarray:
    if array.dtype.kind not in "biuf" or not (any_numbers or array.dtype in (np.uint8, np.uint16, np.int16)):
        raise ImageTypeError(
            f"an array is a picture when it is uint8, or of 16 bits; received {array.dtype}: pass "
            "window=(low, high), scale it to 0..255 and convert it, or pass it as model input"
        )
    if array.ndim not in (2, 3) or array.size == 0:
        raise ImageError(f"a picture array is (H, W) or (H, W, C) with pixels in it; received {array.shape}")
    pixels: np.ndarray = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    return pixels.copy()


def _check_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise OptionTypeError(f"{name} must be a whole number, at least {least}; received {value!r}")
    if value < least:
        raise OptionError(f"{name} must be at least {least}; received {value!r}")


def _failure(name: str, kind: str, exc: Exception) -> ImageError:
    if isinstance(exc, MemoryError):
        return ImageError(f"{name}: there is not enough memory to decode it; shrink the picture")
    lines = str(exc).splitlines()
    reason = ascii(lines[0])[1:-1][:60] if lines else type(exc).__name__
    if type(exc).__name__.startswith("DecompressionBomb"):  # Pillow's own limit, which a program may lower
        return ImageError(f"{name}: too large for Pillow ({reason}); shrink the picture")
    return ImageError(f"{name}: truncated or damaged {kind} ({reason}); save it again")
