"""What a model wants its pixels to be: found out from its layers, or said by the user."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.engine.model_card import ModelCard
from visioncam_core.engine.records import Hints, PictureSteps, Scaling
from visioncam_core.errors import ImageError, OptionError, OptionTypeError
from visioncam_core.text import brief, did_you_mean, listing

SLACK = 8  # of 255: what resizing with a filter that overshoots may add
Range = tuple[float, float]
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_STD = np.array([0.229, 0.224, 0.225], np.float32)
_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)


@attrs.frozen(eq=False)
class Preprocessing:
    """How the pixels of a picture become the values a model was trained on.

    Attributes:
        name: `"none"`, `"unit"` (0..1), `"tf"`, `"torch"`, `"caffe"`, `"scaled"`, or a callable's name.
        function: (N, h, w, C) float32 ndarray of 0..255, RGB -> float32 ndarray of the same shape.
        expected_range: (low, high) of the values the model takes, or None when that is not known.
        known: whether the model or the user said so; if not, the model may see something unfamiliar.
        why: where this comes from, one line.
        inverse: from preprocessed values (..., C) back to 0..255 RGB, where the colours would look wrong.
        whole: (H, W, C) uint8 picture -> (h, w, C) model input, in the place of geometry and `function`.
    """

    name: str
    function: Callable[[np.ndarray], np.ndarray]
    expected_range: Range | None
    known: bool
    why: str
    inverse: Callable[[np.ndarray], np.ndarray] | None = None
    whole: Callable[[np.ndarray], np.ndarray] | None = None


def _none(batch: np.ndarray) -> np.ndarray:
    return np.asarray(batch, np.float32)


def _unit(batch: np.ndarray) -> np.ndarray:
    return np.asarray(batch, np.float32) / np.float32(255)


def _tf(batch: np.ndarray) -> np.ndarray:
    return np.asarray(batch, np.float32) / np.float32(127.5) - np.float32(1)


def _torch(batch: np.ndarray) -> np.ndarray:
    return (_unit(_rgb(batch, "torch")) - _MEAN) / _STD


def _caffe(batch: np.ndarray) -> np.ndarray:
    return _none(_rgb(batch, "caffe"))[..., ::-1] - _MEAN_BGR


def _from_torch(values: np.ndarray) -> np.ndarray:
    return (values * _STD + _MEAN) * np.float32(255)


def _from_caffe(values: np.ndarray) -> np.ndarray:
    return np.asarray((values + _MEAN_BGR)[..., ::-1])


def _rgb(batch: np.ndarray, mode: str) -> np.ndarray:
    if batch.shape[-1] != 3:
        raise ImageError(
            f"preprocess={mode!r} is for 3 channels (RGB), this input has {batch.shape[-1]}; "
            "pass preprocess=None or a callable"
        )
    return batch


_MODES: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Range]] = {
    "none": (_none, (0.0, 255.0)),
    "unit": (_unit, (0.0, 1.0)),
    "tf": (_tf, (-1.0, 1.0)),
    "torch": (_torch, (-2.12, 2.64)),
    "caffe": (_caffe, (-123.68, 151.061)),
}
_INVERSES = {"torch": _from_torch, "caffe": _from_caffe}  # the others keep colours and their balance
SETTINGS = ("auto", "none", "unit", "tf", "torch", "caffe", "imagenet")


def wanted_by(
    setting: object,
    geometry: object,
    hints: Hints,
    card: ModelCard,
    steps_of: Callable[[object], PictureSteps | None],
) -> tuple[Preprocessing, Preprocessing, object]:
    """Return the preprocessing, the one that the model itself seems to want, and the geometry.

    Args:
        setting: `preprocess=` of the call; what the model's card says stands behind it.
        geometry: `geometry=` of the call; None for the model's own.
        hints: what the model says of itself.
        card: what its maker says of it.
        steps_of: reads the framework's own preprocessing, see `Engine.picture_steps`.
    """
    automatic = preprocessing_for(hints, "auto")
    auto = isinstance(setting, str) and setting == "auto"
    by_card = auto and card.preprocess is not None
    setting = card.preprocess if by_card else setting
    steps = steps_of(setting) if callable(setting) and not isinstance(setting, Scaling) else None
    if steps is None:
        found = automatic if setting == "auto" else preprocessing_for(hints, setting)
    elif steps.whole is not None:
        found = Preprocessing("opaque", _none, None, True, steps.why, whole=steps.whole)
    else:
        found = attrs.evolve(preprocessing_for(hints, steps.preprocess), why=steps.why)
    if by_card:
        found = attrs.evolve(found, why="from the model's card")
    own = steps.geometry if steps is not None else None
    fitted = geometry or card.geometry or own or hints.geometry or "resize"
    return found, found if auto else automatic, fitted


def preprocessing_for(hints: Hints | None, setting: object = "auto") -> Preprocessing:
    """Find out how a picture's 0..255 become what the model takes.

    Args:
        hints: what the model says of itself; needed for `"auto"` alone.
        setting: `"auto"` goes by the hints (0..255 and `known=False` where they do not say).  `None` or
            `"none"` leaves 0..255 as they are, `"unit"` gives 0..1, `"tf"` -1..1, `"torch"` ImageNet's mean
            and standard deviation on 0..1, `"imagenet"` the same, `"caffe"` BGR minus ImageNet's mean.  A
            callable takes an (N, h, w, C) float32 batch and returns one.

    Raises:
        OptionError: an unknown name (`OptionTypeError`: neither name nor callable).
    """
    if setting is None or (isinstance(setting, str) and setting == "none"):
        return Preprocessing("none", _none, None, True, "as requested: the raw pixels, 0..255")
    if isinstance(setting, Scaling):
        return scaled(setting, "as requested: a scaling of the pixels")
    if isinstance(setting, type):
        raise OptionTypeError(
            f"preprocess={setting.__name__} is a class; pass an object or a function that takes a batch"
        )
    if callable(setting):
        name = str(getattr(setting, "__name__", type(setting).__name__))
        return Preprocessing(name, _checked(setting, name), None, True, f"as requested: {name}")
    if not isinstance(setting, str):
        raise OptionTypeError(f"preprocess is a name, a callable or None; received {brief(setting)}")
    if setting == "auto":
        if hints is None or not hints.preprocessing:
            why = Hints("").why if hints is None else hints.why
            return Preprocessing("none", _none, None, False, why + "; 0..255 are passed unchanged")
        if isinstance(hints.preprocessing, Scaling):
            return scaled(hints.preprocessing, hints.why)
        name, why = hints.preprocessing, hints.why
        return Preprocessing(name, *_MODES[name], True, why, _INVERSES.get(name))
    name = "torch" if setting == "imagenet" else setting
    if name not in _MODES:
        hint = did_you_mean(setting, SETTINGS) or ";"
        raise OptionError(
            f"unknown preprocess {brief(setting)}{hint} known: {listing(SETTINGS)}, a callable, None"
        )
    return Preprocessing(name, *_MODES[name], True, f"as requested: {setting!r}", _INVERSES.get(name))


def scaled(scaling: Scaling, why: str) -> Preprocessing:
    """Return the preprocessing that a scaling is; `why` says where it comes from."""

    def call(batch: np.ndarray) -> np.ndarray:
        if batch.shape[-1] != scaling.channels != 1:
            raise ImageError(
                f"the preprocessing ({why}) is for {scaling.channels} channels, this input has "
                f"{batch.shape[-1]}; pass preprocess=None or a callable"
            )
        return scaling(batch)

    return Preprocessing("scaled", call, scaling.range, True, why, scaling.inverse)


def check_range(batch: np.ndarray, preprocessing: Preprocessing) -> str | None:
    """Return why values of any shape cannot be what a model takes, one line; or None.

    Only what cannot fit is reported; dark, bright and flat pictures do fit.
    """
    return range_note(batch, preprocessing, float(batch.min()), float(batch.max())) if batch.size else None


def range_note(batch: np.ndarray, preprocessing: Preprocessing, low: float, high: float) -> str | None:
    """Return what `check_range` does, of values whose least and largest are known."""
    expected = preprocessing.expected_range
    if expected is None or not -math.inf < low < high < math.inf:
        return None
    wants = f"the model takes {expected[0]:g}..{expected[1]:g} ({preprocessing.why})"
    span = expected[1] - expected[0]
    if low < expected[0] - 0.05 * span or high > expected[1] + 0.05 * span:
        return f"values lie in {low:.4g}..{high:.4g}, but {wants}"
    small = max(-low, high) <= 5 and (low < 0 or bool(np.any(batch != np.floor(batch))))
    if span > 100 and small:
        return f"values lie in {low:.4g}..{high:.4g}, almost nothing, but {wants}"
    if (
        expected[0] <= -1 and span < 10 and 0 <= low < 0.1 and high <= 1
    ):  # a bright picture has no such dark end
        return f"values lie in {low:.4g}..{high:.4g}, which looks like 0..1, but {wants}"
    return None


def shown_again(values: np.ndarray, how: Preprocessing) -> np.ndarray:
    """Return preprocessed values (*space, C) as the uint8 picture they were made of, where that is known.

    Values that cannot have been made so stay as they are; they are stretched for display.
    """
    if how.inverse is None or values.dtype.kind != "f" or values.shape[-1:] != (3,):
        return values
    pixels = how.inverse(values.astype(np.float32))
    if check_range(values, how) or not np.all((pixels > -SLACK) & (pixels < 255 + SLACK)):
        return values
    return np.rint(np.clip(pixels, 0, 255)).astype(np.uint8)


def turned_colours(values: np.ndarray) -> str | None:
    """Return a note where values (*space, C) look like blue, green, red minus ImageNet's mean; or None."""
    if values.dtype.kind != "f" or values.shape[-1:] != (3,) or not values.size:
        return None
    low, high = values.min(axis=tuple(range(values.ndim - 1))), float(values.max())
    if low.max() > -20 or high < 20:
        return None
    pixels = _from_caffe(values.astype(np.float32))
    if pixels.min() < -SLACK or pixels.max() > 255 + SLACK:
        return None
    return (
        f"the values, {low.min():.4g}..{high:.4g}, look like those of VGG's and ResNet's preprocess_input, "
        "blue first: red and blue may be swapped in the picture shown; pass the picture itself with "
        "preprocess='caffe'"
    )


def _checked(function: Callable[[np.ndarray], Any], name: str) -> Callable[[np.ndarray], np.ndarray]:
    def call(batch: np.ndarray) -> np.ndarray:
        try:
            values = np.asarray(function(np.array(batch, np.float32)))  # a copy: Keras writes into it
        except Exception as exc:
            raise OptionError(f"preprocess={name} failed on a batch of shape {batch.shape}: {exc}") from exc
        if values.shape != batch.shape or values.dtype.kind not in "fiu":
            raise OptionError(
                f"preprocess={name} must return numbers of the shape it was given, {batch.shape}; "
                f"it returned {values.dtype} of shape {values.shape}"
            )
        return values.astype(np.float32)

    return call
