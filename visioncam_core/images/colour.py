"""From any Pillow image to upright 8-bit pixels in sRGB, with a note for everything that was decided."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from visioncam_core.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image

_ORIENTATION = 0x0112
_BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL = 258, 277
_DEPTHS = (8, 10, 12, 14, 16)
_GREY = ("1", "L", "LA", "La")
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


def to_srgb(image: Image.Image, name: str, white: int = 0) -> tuple[np.ndarray, tuple[str, ...], int]:
    """Decode an image as people expect to see it.

    Turned upright by its EXIF orientation; 16-bit grey scaled by 1/257, or by the fewest of 8, 10, 12
    and 14 bits that hold its values (not where 8 bits were spread over 16); transparency laid on
    white; CMYK and colours with an ICC profile converted to sRGB (perceptual intent).

    Args:
        image: a Pillow image, decoded or not; it is not modified, but it gets decoded.
        name: the name for messages.
        white: the least value that becomes 255, of 16-bit grey.

    Returns:
        (pixels, notes, white): (H, W) grey or (H, W, 3) RGB uint8 ndarray, what the reader should know, and
        the 16-bit value that became 255, 0 where there was none.

    Raises:
        ImageError: values without a fixed range (float or 32-bit integers).
    """
    deep = any(";16" in str(part) for part in getattr(image, "tile", ()))
    image.load()
    tags = getattr(image, "tag_v2", {})
    notes: list[str] = []
    upright = _turned(image, notes)
    if upright.mode.startswith("I;16") or (upright.mode == "I" and image.format == "PNG"):
        scaled, white = _from_16_bits(upright, image, notes, white)
        return scaled, tuple(notes), white
    if upright.mode in ("F", "I"):
        kind = f"{tags.get(_BITS_PER_SAMPLE, (32,))[0]}-bit {'float' if upright.mode == 'F' else 'integer'}"
        raise ImageError(
            f"{name}: holds {kind} values, and the values of black and white are not known; "
            "scale them to 0..255 and pass a uint8 array"
        )
    bands = tags.get(_SAMPLES_PER_PIXEL, 1)
    if bands > (read := len(upright.getbands())):
        notes.append(f"the first {read} of its {bands} bands; pass an array for all of them")
    grey = upright.mode in _GREY
    profile = image.info.get("icc_profile")
    flat = _on_white(upright, notes)
    if profile or flat.mode == "LAB":
        flat = _to_srgb_colours(flat, profile, notes)
    pixels = np.array(flat.convert("L" if grey else "RGB"))
    if deep and (top := int(pixels.max(initial=0))) < 64:
        notes.append(
            f"16-bit colours, of which only the upper 8 bits are read: they end at {top} of 255, nearly "
            "black, as 12 bits in a 16-bit file do; scale them and pass a uint8 array"
        )
    return pixels, tuple(notes), 0


def _turned(image: Image.Image, notes: list[str]) -> Image.Image:
    """Apply the EXIF orientation (1 to 8); a damaged EXIF block leaves the picture as stored."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # whatever a damaged block makes of Pillow's parser; the pixels are fine
        notes.append("the EXIF block is damaged; its orientation, if any, was not applied")
        return image
    if turn is None:
        return image
    notes.append("turned upright as its EXIF orientation says")
    return image.transpose(turn)


def _from_16_bits(
    upright: Image.Image, image: Image.Image, notes: list[str], white: int
) -> tuple[np.ndarray, int]:
    """Scale 16-bit grey by what is there: a camera's or a scanner's 12 bits would be nearly black by 16."""
    values = np.array(upright).astype(np.uint32)
    said = tuple(getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ()))
    largest = int(values.max(initial=0))
    spread = largest and any(not (values % step).any() for step in (256, 257))  # 8 bits, written as 16
    bits = 12 if said == (12,) else 16 if spread else next(n for n in _DEPTHS if largest < 2**n)
    top = max(2**bits - 1, white)
    there = f" (no value above {largest})" if top < 65535 and said != (12,) else ""
    notes.append(f"{top.bit_length()}-bit grey values scaled by 255/{top} to 8 bits{there}")
    pixels: np.ndarray = (np.minimum(values, top) * 255 + top // 2) // top
    clear = image.info.get("transparency")
    if isinstance(clear, int) and (values == clear).any():
        pixels[values == clear] = 255
        notes.append("transparent parts shown on white")
    return pixels.astype(np.uint8), top


def _on_white(image: Image.Image, notes: list[str]) -> Image.Image:
    """Lay transparent parts on white, so that hidden colours do not show."""
    from PIL import Image

    if image.mode not in _ALPHA and "transparency" not in image.info:
        return image
    grey = image.mode in _GREY
    layered = image.convert("LA" if grey else "RGBA")
    alpha = layered.getchannel("A")
    plain = layered.convert("L" if grey else "RGB")
    if alpha.getextrema() == (255, 255):
        return plain
    notes.append("transparent parts shown on white")
    white = Image.new(plain.mode, plain.size, "white")
    white.paste(plain, mask=alpha)
    return white


def _to_srgb_colours(image: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    """Convert colours by the ICC profile; a profile that does not fit is noted and left out."""
    if image.mode not in ("L", "RGB", "CMYK", "LAB"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    try:
        from PIL import ImageCms

        lab = image.mode == "LAB"  # its values say themselves which colours they are
        source = (
            ImageCms.createProfile("LAB") if lab else ImageCms.ImageCmsProfile(io.BytesIO(profile or b""))
        )
        title = ImageCms.getProfileDescription(source).strip()
        if image.mode == "RGB" and title.startswith("sRGB"):
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except Exception as exc:  # a damaged profile, one for other channels, or Pillow without LittleCMS
        notes.append(
            f"the colour profile could not be used ({type(exc).__name__}); colours are used as stored"
        )
        return image
    notes.append("colours converted to sRGB from the profile " + ascii(title[:60]))
    return image if converted is None else converted
