"""The one decoder: every way a user may hand over a picture becomes upright 8-bit sRGB pixels.

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
from visioncam_core.images.colour import to_srgb
from visioncam_core.images.files import check_size, format_of, open_image, opened

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 64_000_000


@attrs.frozen(eq=False)
class Picture:
    """A picture as people see it.

    Attributes:
        pixels: (H, W, 3) RGB, (H, W) grey or (H, W, C) uint8 ndarray, upright.
        source: the path it came from, or "bytes", "image" or "array".
        notes: what was decided on the way (turned, laid on white, first frame, ...).
        white: the 16-bit value that became 255; 0 where there was none.
    """

    pixels: np.ndarray
    source: str = "array"
    notes: tuple[str, ...] = ()
    white: int = 0


def load_picture(
    source: str | os.PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray,
    *,
    max_pixels: int = MAX_PIXELS,
    frame: int = 0,
) -> Picture:
    """Load a picture; see `colour.to_srgb` for what happens to colours.

    Args:
        source: a path, the bytes of a file, a Pillow image, or a uint8 array (H, W), (H, W, 1) or (H, W, C),
            copied as it is.  Files may be PNG, JPEG, WebP, BMP, TIFF or GIF, whatever they are called.
        max_pixels: the largest number of pixels that will be decoded.  Pillow itself refuses TIFF and
            WebP files above 178 million, and warns of TIFF files above 89 million.
        frame: which picture of an animation or of a file with several pages, from 0; arrays and Pillow
            images have but one.

    Raises:
        ImageNotFoundError: there is no such file.
        ImageTypeError: the source is of a kind that is not a picture.
        ImageError: everything else that stops a picture from being shown, naming the file and the reason.
        OptionError: `max_pixels` or `frame` is out of its range (`OptionTypeError`: of another type).
    """
    _check_whole("max_pixels", max_pixels, 1)
    _check_whole("frame", frame, 0)
    if isinstance(source, np.ndarray):
        if frame:
            raise ImageError(f"frame={frame} is for files; an array is one picture: pass the one you want")
        return Picture(_checked_array(source))
    if frame and is_image(source):
        raise ImageError(
            f"frame={frame} is for files; a Pillow image is used at its current frame: seek({frame}) first"
        )
    with _opened(source, max_pixels) as (image, name, label):
        notes = () if is_image(source) else _go_to(image, frame, max_pixels, name)
        return _decoded(image, name, label, notes)


def load_frames(source: Any, *, max_pixels: int = MAX_PIXELS, white: int = 0) -> list[Picture]:
    """Load every picture of a source: the frames of an animation, the pages of a file, or the one there is.

    Args:
        source: as in `load_picture`.
        max_pixels: the largest number of pixels of all together.
        white: the least 16-bit value that becomes 255, so that the slices of a volume are scaled alike.
    """
    if isinstance(source, np.ndarray):
        return [Picture(_checked_array(source))]
    with _opened(source, max_pixels) as (image, name, label):
        count, held = getattr(image, "n_frames", 1), image.tell()
        if count * image.width * image.height > max_pixels:
            raise ImageError(
                f"{name}: {count} pictures of {image.width} x {image.height} are more than "
                f"max_pixels={max_pixels:,} together; shrink them or raise max_pixels (--max-pixels)"
            )
        if count == 1:
            return [_decoded(image, name, label, (), white)]
        try:
            found = []
            for position in range(count):
                image.seek(position)
                check_size(image.size, max_pixels, name)
                found.append(_decoded(image, name, label, (), white))
            return found
        finally:
            image.seek(held)  # a Pillow image is the caller's


def count_frames(source: Any, max_pixels: int = MAX_PIXELS) -> int:
    """Return how many pictures a source holds; none is decoded."""
    if isinstance(source, np.ndarray):
        return 1
    with _opened(source, max_pixels) as (image, _, _):
        return int(getattr(image, "n_frames", 1))


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
    """Give a picture, (H, W) or (H, W, C) uint8, the channels a model wants: (H, W, channels).

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
        red, green, blue = np.moveaxis(pixels.astype(np.uint32), -1, 0)
        luma: np.ndarray = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
        return luma.astype(np.uint8)[..., None]
    advice = (
        "drop or blend the alpha channel first" if has == 4 else "pass an array with the model's channels"
    )
    raise ImageError(f"the picture has {has} channels and the model takes {channels}; {advice}")


def _go_to(image: Image.Image, frame: int, max_pixels: int, name: str) -> tuple[str, ...]:
    frames = getattr(image, "n_frames", 1)
    if frame >= frames:
        count = f"{frames} frame" + ("s" if frames > 1 else "")
        raise ImageError(f"{name}: frame={frame} does not exist; it has {count}, counted from 0")
    if frames == 1:
        return ()
    if frame:
        image.seek(frame)
        check_size(image.size, max_pixels, name)
    return (f"frame {frame} of {frames} (counted from 0)",)


def _decoded(image: Image.Image, name: str, label: str, notes: tuple[str, ...], white: int = 0) -> Picture:
    pixels, more, used = to_srgb(image, name, white)
    return Picture(pixels, label, notes + more, used)


def _checked_array(array: np.ndarray) -> np.ndarray:
    if array.dtype != np.uint8:
        raise ImageTypeError(
            f"an array is a picture when it is uint8; received {array.dtype}: "
            "scale it to 0..255 and convert it, or pass it as model input"
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
