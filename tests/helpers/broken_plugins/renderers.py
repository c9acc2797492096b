"""Renderers with one fault each; the kit must reject them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from visioncam_core.images.display import bands_last, to_rgb
from visioncam_core.options.fields import in_range, option

DOC = "The photo, brighter where the evidence is."


def tinted(explanation: Any) -> np.ndarray:
    """Return the photo, brighter where the evidence is; the renderer the faults are put into."""
    heat = explanation.heatmap
    rgb = to_rgb(bands_last(np.asarray(explanation.picture), heat.shape)).reshape(-1, heat.shape[-1], 3)
    share = np.abs(heat).reshape((*rgb.shape[:2], 1))
    return np.rint(rgb + share * (255.0 - rgb)).clip(0, 255).astype(np.uint8)


def made(call: Callable[[Any], Any], doc: str = DOC) -> type:
    """Return a frozen attrs class whose `__call__` is the given function of the explanation."""
    body = {"__call__": lambda self, explanation: call(explanation), "__doc__": doc}
    cls: type = attrs.frozen(type(call.__name__.title().replace("_", ""), (), body))
    return cls


@attrs.frozen
class Fault:
    """A broken renderer, the check that must reject it, and words of that check's message."""

    cls: type
    check: str
    words: str


FAULTS: dict[str, Fault] = {}


def fault(check: str, words: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def keep(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        FAULTS[call.__name__] = Fault(made(call), check, words)
        return call

    return keep


@fault(
    "picture", "returned float64 of shape (24, 36, 3) on a map of shape (24, 36); a picture is an (H, W, 3)"
)
def floats(e: Any) -> Any:
    return tinted(e) / 255


@fault("picture", "raised ValueError on a map of shape (37, 20)")
def wide_pictures_only(e: Any) -> Any:
    return tinted(e).reshape(-1, 36, 3)


@fault("other-pictures", "on a grey picture")
def colour_only(e: Any) -> Any:
    return np.asarray(e.picture)[..., :3].astype(np.uint8) + tinted(e)


@fault("other-pictures", "on a picture with opacity")
def keeps_opacity(e: Any) -> Any:
    return e.picture if e.picture.shape[-1] == 4 else tinted(e)


@fault("odd-sizes", "on a map of shape (1, 1)")
def needs_two_rows(e: Any) -> Any:
    return tinted(e) + np.uint8(0 * int(e.heatmap.ravel()[: 2 * e.heatmap.shape[-1]].reshape(2, -1).sum()))


@fault("signed", "on a signed map")
def square_root(e: Any) -> Any:
    if e.heatmap.min() < 0:
        raise ValueError("math domain error")
    return tinted(e)


@fault("blank", "raised ZeroDivisionError on a map that is zero everywhere")
def divides_by_the_maximum(e: Any) -> Any:
    1 / float(e.heatmap.max() + (e.heatmap < 0).any())
    return tinted(e)


@fault("other-axes", "on a map with 1 axes (if it cannot draw one, let it raise an ImageError)")
def pictures_only(e: Any) -> Any:
    height, width = e.heatmap.shape
    return tinted(e)[:height, :width]


@fault("shows-the-map", "the same picture no matter where the evidence is")
def photo_only(e: Any) -> Any:
    return tinted(attrs.evolve(e, heatmap=np.zeros_like(e.heatmap)))


@fault("odd-words", "on a class named 'costs $5_to_$6")
def reads_mathematics(e: Any) -> Any:
    if "$" in e.target.label:
        raise ValueError("unknown symbol")
    return tinted(e)


@fault("odd-words", "on classes without names")
def needs_names(e: Any) -> Any:
    e.target.name.upper()
    return tinted(e)


@fault("explanation-untouched", "wrote to explanation.picture, which is the user's")
def draws_over_the_photo(e: Any) -> Any:
    if e.picture.dtype == np.uint8:
        e.picture[...] //= 2
    return tinted(e)


@fault("same-picture-twice", "keep no state, no random numbers")
def confetti(e: Any) -> Any:
    noise = np.random.default_rng().integers(0, 255, tinted(e).shape, dtype=np.uint8)
    return tinted(e) ^ noise


@fault("leaves-the-program-alone", "the global generators (draw from")
def shared_confetti(e: Any) -> Any:
    random.random()
    return tinted(e)


@fault("leaves-the-program-alone", "matplotlib's settings (use matplotlib.rc_context()")
def sets_the_style(e: Any) -> Any:
    import matplotlib

    matplotlib.rcParams["font.size"] = 3.25
    return tinted(e)


@fault("leaves-the-program-alone", "the open figures (draw with numpy")
def leaves_a_figure(e: Any) -> Any:
    from matplotlib import pyplot

    pyplot.figure()
    return tinted(e)


class Right:
    """The part that is right, so that each class below shows its fault alone."""

    __slots__ = ()

    def __call__(self, explanation: Any) -> Any:
        return tinted(explanation)


@attrs.frozen
class NoHelp(Right):
    __doc__ = DOC
    n: str = "a"


@attrs.frozen
class NoBounds(Right):
    __doc__ = DOC
    n: float = option(3, help="lines")


@attrs.frozen
class UntriedChoice:
    __doc__ = DOC
    lines: bool = option(True, help="draw lines")

    def __call__(self, explanation: Any) -> Any:
        return tinted(explanation) if self.lines else None


@attrs.define
class Mutable(Right):
    __doc__ = DOC
    n: int = option(3, help="lines", validator=in_range(1, 9))


@attrs.frozen
class OddRepr(Right):
    __doc__ = DOC

    def __repr__(self) -> str:
        return "<OddRepr>"


@attrs.frozen
class NoDocstring(Right):
    __doc__ = None  # type: ignore[assignment]


FAULTS |= {
    "no_help": Fault(NoHelp, "options-documented", "has no help"),
    "no_bounds": Fault(NoBounds, "options-validated", "a number without bounds"),
    "untried_choice": Fault(UntriedChoice, "every-choice", "UntriedChoice(lines=False) returned None"),
    "mutable": Fault(Mutable, "frozen", "Mutable.n can be assigned to"),
    "odd_repr": Fault(OddRepr, "repr-round-trips", "repr of OddRepr is <OddRepr>"),
    "no_docstring": Fault(NoDocstring, "docstring", "has no docstring"),
}
