"""From any Pillow image to upright values, 8 bits in sRGB, with a note for everything that was decided."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from visioncam_core.images.values import Raw, depth_of

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112
_BITS_PER_SAMPLE, _SAMPLES_PER_PIXEL = 258, 277
_GREY = ("1", "L", "LA", "La")
_ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")


def to_srgb(image: Image.Image, label: str) -> Raw:
    """Decode an image as people expect to see it.

    Turned upright by its EXIF orientation; transparency laid on white; CMYK and colours with an ICC profile
    converted to sRGB (perceptual intent).  More than 8 bits of grey stay as they are.

    Args:
        image: a Pillow image, decoded or not; it is not modified, but it gets decoded.
        label: what it is of.
    """
    deep = is_deep(image)
    image.load()
    tags = getattr(image, "tag_v2", {})
    notes: list[str] = []
    upright = _turned(image, notes)
    if upright.mode.startswith("I;16") or upright.mode in ("F", "I"):
        return _deep_grey(upright, image, notes, label)
    bands = tags.get(_SAMPLES_PER_PIXEL, 1)
    if bands > (read := len(upright.getbands())):
        notes.append(
            f"the first {read} of its {bands} bands; a model of {bands} channels is shown all of them"
        )
    grey = upright.mode in _GREY
    profile = image.info.get("icc_profile")
    flat = _on_white(upright, notes)
    if profile or flat.mode == "LAB":
        flat = _to_srgb_colours(flat, profile, notes)
    pixels = np.array(flat.convert("L" if grey else "RGB"))
    if deep:
        top = int(pixels.max(initial=0))
        dark = f": they end at {top} of 255, nearly black, as 12 bits in a 16-bit file do" if top < 64 else ""
        notes.append(
            f"16-bit colours, of which only the upper 8 bits are read{dark}; pass an array for all of them"
        )
    return Raw(pixels, label, tuple(notes))


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
        turn = turns.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # whatever a damaged block makes of Pillow's parser; the pixels are fine
        notes.append("the EXIF block is damaged; its orientation, if any, was not applied")
        return image
    if turn is None:
        return image
    notes.append("turned upright as its EXIF orientation says")
    return image.transpose(turn)


def _deep_grey(upright: Image.Image, image: Image.Image, notes: list[str], label: str) -> Raw:
    """Return grey of 16 bits, or of 32, unscaled; a transparent value becomes white."""
    values = np.array(upright)
    said = tuple(getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ()))
    if upright.mode.startswith("I;16") or image.format == "PNG":
        values = values.astype(np.uint16)
    clear = image.info.get("transparency")
    if isinstance(clear, int) and (there := values == clear).any():
        values[there] = depth_of(values)
        notes.append("transparent parts shown on white")
    return Raw(values, label, tuple(notes), bits=12 if said == (12,) else 0)


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


def is_deep(image: Image.Image) -> bool:
    """Return whether an image that is not decoded yet holds 16-bit values."""
    return any(";16" in str(part) for part in getattr(image, "tile", ()))


def is_srgb(profile: bytes) -> bool:
    from PIL import ImageCms

    try:
        return ImageCms.getProfileDescription(io.BytesIO(profile)).strip().startswith("sRGB")
    except Exception:  # a damaged profile: Pillow's way says so
        return False


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
