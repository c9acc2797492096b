"""Pictures with nothing in them: what a method puts in the place of what it takes away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import OptionError, OptionTypeError
from visioncam_core.options.validators import subject_of
from visioncam_core.text import brief

PIXELS = {"black": 0.0, "grey": 127.5, "white": 255.0}
KINDS = ("zero", "black", "grey", "white", "mean", "regionmean", "blur:PIXELS", "noise")


@attrs.frozen(eq=False)
class Absent:
    """What of a picture a hidden picture is made from.

    Attributes:
        picture: (1, *space, C) float, the model input, channels last.
        convert: pixels (N, h, w, C) float32, 0 to 255, to model input of the same shape; None where nobody
            says how pixels become what the model takes.
        seed: of "noise".
    """

    picture: np.ndarray
    convert: Callable[[np.ndarray], np.ndarray] | None
    seed: int

    def hidden(self, kind: Any, labels: np.ndarray | None = None) -> tuple[np.ndarray, str]:
        """Return (B, *space, C) model input and a word about it that its reader should know, or "".

        Args:
            kind: one of `KINDS`, or an array of the picture's shape, or a stack of B of them: uint8
                pixels, which are made ready as a picture is, or model input.
            labels: (*space) regions, for "regionmean".

        Raises:
            OptionError: no such kind, or another shape.
        """
        x = self.picture
        if not isinstance(kind, str):
            return self._own(kind), ""
        check_kind(kind, "hidden picture")
        name, _, width = kind.partition(":")
        if name == "blur":
            return self._blurred(float(width)), ""
        if name == "zero":
            return np.zeros_like(x), ""
        if name == "mean":
            return np.broadcast_to(
                x.mean(axis=tuple(range(1, x.ndim - 1)), keepdims=True), x.shape
            ).copy(), ""
        if name == "regionmean":
            return self._region_means(labels), ""
        rng = np.random.default_rng(self.seed)
        if not self._takes_pixels:
            return self._guessed(name, rng)
        pixels = rng.uniform(0, 255, x.shape) if name == "noise" else np.full(x.shape, PIXELS[name])
        return self._converted(pixels), ""

    @property
    def _takes_pixels(self) -> bool:
        return self.convert is not None and self.picture.ndim in (4, 5)

    def _converted(self, pixels: np.ndarray) -> np.ndarray:
        assert self.convert is not None
        frames = self.convert(pixels.reshape(-1, *pixels.shape[-3:]).astype(np.float32))
        return np.asarray(frames, self.picture.dtype).reshape(pixels.shape)

    def _own(self, array: Any) -> np.ndarray:
        check_kind(array, "hidden picture")
        values = np.asarray(array)
        values = values[None] if values.ndim == self.picture.ndim - 1 else values
        if values.shape[1:] != self.picture.shape[1:] or not len(values):
            raise OptionError(
                f"the hidden picture has shape {values.shape}; the model's input here, channels last, is "
                f"{self.picture.shape[1:]}"
            )
        if values.dtype != np.uint8:
            return values.astype(self.picture.dtype)
        if not self._takes_pixels:
            raise OptionError(
                "the hidden picture is uint8, that is, pixels, and how they become the model's input is not "
                "known; pass preprocess= with a picture, or a float array, which is used unchanged"
            )
        return self._converted(values)

    def _blurred(self, sigma: float) -> np.ndarray:
        from scipy.ndimage import gaussian_filter

        widths = (0, *(sigma,) * (self.picture.ndim - 2), 0)
        return np.asarray(gaussian_filter(self.picture, widths, mode="nearest"), self.picture.dtype)

    def _region_means(self, labels: np.ndarray | None) -> np.ndarray:
        if labels is None:
            raise OptionError(
                "hidden='regionmean' is for methods that have regions; pass 'mean' or 'blur:10'"
            )
        x = self.picture[0]
        flat, where = x.reshape(-1, x.shape[-1]).astype(np.float64), labels.reshape(-1) + 1
        sizes = np.maximum(np.bincount(where), 1)
        means = np.stack([np.bincount(where, one) / sizes for one in flat.T], axis=-1)
        return means[where].reshape(self.picture.shape).astype(self.picture.dtype)

    def _guessed(self, name: str, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Return the hidden picture where nobody says how pixels become model input, and say so."""
        x = self.picture
        low, high = float(x.min()), float(x.max())
        if low >= 0:
            low, high = 0.0, 1.0 if high <= 1 else 255.0
        if name == "noise":
            values = rng.uniform(low, high, x.shape)
        else:
            values = np.full(x.shape, low + (high - low) * PIXELS[name] / 255)
        word = (
            f"how pixels become the model's input is not known, so {name!r} was scaled to the range of its "
            f"values, {low:.3g} to {high:.3g}; pass preprocess= with a picture, or an array"
        )
        return values.astype(x.dtype), word


def check_kind(kind: Any, subject: str, words: tuple[str, ...] = KINDS) -> None:
    """Raise an error that names `subject` unless `kind` is one of the words, or an array."""
    known = f"{subject} must be {', '.join(words)}, or an array; received {brief(kind)}"
    if not isinstance(kind, str):
        if getattr(getattr(kind, "dtype", None), "kind", "") not in ("f", "i", "u", "b"):
            raise OptionTypeError(known)
        return
    name, colon, width = kind.strip().partition(":")
    if name == "blur":
        try:
            wide = 0 < float(width) < 1e4
        except ValueError:
            wide = False
        if not wide:  # it needs a width in pixels, as in "blur:10"
            raise OptionError(known)
    elif colon or name not in words:
        raise OptionError(known)


def hidden_kind(*also: str, several: bool = False) -> Callable[[Any, Any, Any], None]:
    """Return a validator of an option that is a hidden picture: text must be one of the kinds.

    Args:
        also: further words that the method knows, such as "regionmean" where it has regions.
        several: whether commas stand between several.
    """
    words = tuple(kind for kind in KINDS if kind != "regionmean") + also

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        for kind in value.split(",") if several and isinstance(value, str) else [value]:
            check_kind(kind, subject_of(instance, attribute), words)

    return check


def name_of(kind: Any) -> str:
    """Return a hidden picture in words: its kind, or "an array"."""
    return kind if isinstance(kind, str) else "an array"
