"""Values as a file or an array holds them, and how they become the 0 to 255 that preprocessing takes.

Eight bits stay as they are.  All else is scaled, unrounded, from a window: the caller's, the one that a
file's tags name, the range of its bits for unsigned 16-bit values, or the smallest and largest value.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.options.validators import subject_of
from visioncam_core.text import brief

DEPTHS = (8, 10, 12, 14, 16)
QUARTER = 0.25
MANY = 1_000_000  # values that are looked at
CHUNK = 4_000_000  # values that are scaled at once
Range = tuple[float, float]


@attrs.frozen
class Frame:
    """One picture of a file that holds several, counted from 0; a picture wherever a path is one."""

    path: str
    number: int


@attrs.frozen(eq=False)
class Raw:
    """A picture or a stack of them, not scaled yet.

    Attributes:
        values: (H, W), (H, W, C), and with frames or slices first (T, H, W) or (T, H, W, C); real numbers.
        source: the path it came from, or "bytes", "image" or "array".
        notes: what was decided on the way.
        window: (low, high) that its tags name for black and white.
        bits: that its values have, as a tag says; 0 where none does.
        inverted: whether low values are bright.
        affine: (4, 4) from positions in `values`, without channels, to millimetres in NIfTI's axes (right,
            front, top); of a picture with a third column for what lies across it.  None where not known.
        volume: whether the frames are slices, which may be resampled.
        across: the axis along which its pictures follow each other.
    """

    values: np.ndarray
    source: str = "array"
    notes: tuple[str, ...] = ()
    window: Range | None = None
    bits: int = 0
    inverted: bool = False
    affine: np.ndarray | None = None
    volume: bool = False
    across: int = 0


@attrs.frozen(eq=False)
class Picture:
    """A picture as people see it, or a stack.

    Attributes:
        pixels: (H, W, 3) RGB, (H, W) grey or (H, W, C) uint8 ndarray, upright; of a stack with frames first.
        source: the path it came from, or "bytes", "image" or "array".
        notes: what was decided on the way (turned, laid on white, first frame, ...).
        exact: what goes to the model: float32, the pixels before they were rounded; or `pixels`.
        unused: how little of the range is used, in words, or "".
        affine: see `Raw`.
        volume: see `Raw`.
    """

    pixels: np.ndarray
    source: str = "array"
    notes: tuple[str, ...] = ()
    exact: np.ndarray = attrs.field(default=attrs.Factory(lambda self: self.pixels, takes_self=True))
    unused: str = ""
    affine: np.ndarray | None = None
    volume: bool = False

    @property
    def values(self) -> np.ndarray | None:
        """The pixels before they were rounded; None where they were 8 bits."""
        return None if self.exact is self.pixels else self.exact


def check_window(instance: object, attribute: Any, value: Any) -> None:
    """Raise `OptionError` (`OptionTypeError`) unless a window is None or two finite numbers, low first."""
    if value is None:
        return
    subject = "window" if instance is None else subject_of(instance, attribute)
    wants = f"{subject} must be (low, high), two finite numbers, low below high; received {brief(value)}"
    try:
        low, high = (float(one) for one in value)
    except (TypeError, ValueError):
        raise OptionTypeError(wants) from None
    if isinstance(value, str) or not (np.isfinite([low, high]).all() and low < high):
        raise OptionError(wants)


def scaled(raw: Raw, window: Range | None = None) -> Picture:
    """Return values as a picture: `window`, or what else says what is black and white, becomes 0 to 255.

    Raises:
        ImageError: there is not one finite value.
    """
    notes, values, unused = [*raw.notes], raw.values, ""
    known = window or raw.window
    if values.dtype == np.uint8 and known is None:
        pixels = 255 - values if raw.inverted else values
        return Picture(pixels, raw.source, raw.notes, pixels, "", raw.affine, raw.volume)
    if values.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(values)))):
        if bad == values.size:
            raise ImageError(f"{raw.source!r} holds no finite value; pass a picture with values in it")
        finite = values[np.isfinite(values)]
        values = np.nan_to_num(values, nan=finite.min(), posinf=finite.max(), neginf=finite.min())
        notes.append(f"{bad} NaN or infinite values, treated as the lowest or highest")
    low, high = known or _range(values, raw.bits, notes)
    exact, pixels = np.empty(values.shape, np.float32), np.empty(values.shape, np.uint8)
    step = max(1, CHUNK * len(values) // max(values.size, 1))
    for at in range(0, len(values), step):
        part = np.clip((values[at : at + step].astype(np.float64) - low) / (high - low), 0, 1) * 255
        part = 255 - part if raw.inverted else part
        exact[at : at + step], pixels[at : at + step] = part, np.rint(part)
    if known is None:
        unused = _unused(values, low, high)
    return Picture(pixels, raw.source, tuple(notes), exact, unused, raw.affine, raw.volume)


def _range(values: np.ndarray, bits: int, notes: list[str]) -> Range:
    """Return what becomes black and white where nobody says it."""
    low, high = float(values.min()), float(values.max())
    if values.dtype == np.uint16:
        top = 2**bits - 1 if bits else depth_of(values)
        there = f" (no value above {high:g})" if top < 65535 and not bits else ""
        notes.append(f"{top.bit_length()}-bit values scaled by 255/{top}{there}")
        return 0.0, float(top)
    notes.append(f"values scaled by their own range, {low:g} to {high:g}; window= sets another")
    return low, high if high > low else low + 1


def depth_of(values: np.ndarray) -> int:
    """Return the largest value of the bits that uint16 values need: 12 would be nearly black by 16."""
    high = int(values.max(initial=0))
    spread = high and any(not (values % step).any() for step in (256, 257))  # 8 bits, written as 16
    return 2 ** (16 if spread else next(n for n in DEPTHS if high < 2**n)) - 1


def _unused(values: np.ndarray, low: float, high: float) -> str:
    """Return in words that nearly all values lie in less than a quarter of the range; else ""."""
    some = values.reshape(-1)[:: max(1, values.size // MANY)]
    bottom, top = (float(one) for one in np.percentile(some, [0.5, 99.5]))
    share = (top - bottom) / (high - low)
    if share >= QUARTER:
        return ""
    return (
        f"99% of the values lie between {bottom:.4g} and {top:.4g}, {share:.1%} of the range {low:g} to "
        f"{high:g} from which they are scaled: the model sees little contrast"
    )
