"""The contract of a renderer, as a list of named checks."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.errors import VisionCamError
from visioncam_core.results.explanation import Explanation
from visioncam_core.testing.checks import options
from visioncam_core.testing.checks.program_state import assert_left_alone
from visioncam_core.testing.checks.subject import Check, Subject, by_name, instance_of, require
from visioncam_core.testing.examples.explanations import blob, make_explanation, photo

SHAPES = {1: ((50,), (31,)), 2: ((24, 36), (37, 20)), 3: ((6, 16, 20), (9, 8, 7))}
"""Number of axes -> shapes of a map."""
THIN = {1: ((1,), (2,)), 2: ((1, 1), (1, 40), (40, 1)), 3: ((1, 1, 1), (1, 9, 12), (7, 1, 12), (7, 9, 1))}

WORDS = (
    "costs $5_to_$6 \\frac{",
    "<script>alert(1)</script>",
    "two\nlines\tand\x1b[31m red",
    "猫 \u202eback\u202c 🐈",
    "a very long name " * 40,
    "",
)


@attrs.frozen(eq=False)
class RendererSubject(Subject):
    """The renderer under test.

    Attributes:
        axes: of the maps it draws: 1 for signals, 2 for pictures, 3 for volumes.
    """

    axes: int = 2
    reserved: ClassVar[frozenset[str]] = frozenset({"path", "renderer"})  # of `explanation.save`

    @property
    def heat(self) -> np.ndarray:
        return self.blob(0)

    def blob(self, which: int) -> np.ndarray:
        """Return one of two maps whose blobs lie apart."""
        return blob(SHAPES[self.axes][0], ((0.3, 0.4, 0.7), (0.7, 0.6, 0.2))[which][-self.axes :])

    def draw(self, explanation: Explanation, what: str, renderer: Any = None) -> np.ndarray:
        """Return the picture of an explanation, which must be one; `what` is the explanation in words."""
        made = self.instance if renderer is None else renderer
        try:
            picture = made(explanation)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{made!r} raised {type(error).__name__} on {what}: {error}") from error
        kind = (
            f"{picture.dtype} of shape {picture.shape}" if isinstance(picture, np.ndarray) else repr(picture)
        )
        right = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.shape[2:] == (3,)
        require(right, f"{made!r} returned {kind} on {what}; a picture is an (H, W, 3) uint8 array, RGB")
        require(picture.size, f"{made!r} returned an empty picture, {kind}, on {what}")
        return picture


def middle(shape: tuple[int, ...]) -> np.ndarray:
    return blob(shape, (0.3, 0.4, 0.7)[-len(shape) :])


def picture(subject: RendererSubject) -> None:
    """An ordinary photo, wider than high and higher than wide; or a signal, or a volume."""
    for shape in SHAPES[subject.axes]:
        subject.draw(make_explanation(middle(shape)), f"a map of shape {shape}")


def other_pictures(subject: RendererSubject) -> None:
    """Grey pictures, model inputs in floats, 16 bits, opacity, many bands."""
    heat = subject.heat
    values = photo(heat.shape, 5)
    for what, pixels in {
        "a grey picture": values[..., 0],
        "a grey picture with an axis of bands": values[..., :1],
        "a picture with opacity": values[..., :4],
        "model input, floats from -1 to 1": values[..., :3].astype(np.float32) / 127.5 - 1,
        "16-bit values": values[..., :3].astype(np.uint16) * 257,
        "five bands of floats": values.astype(np.float64),
        "constant values": np.zeros(heat.shape, np.float32),
    }.items():
        subject.draw(make_explanation(heat, pixels), what)


def odd_sizes(subject: RendererSubject) -> None:
    """One pixel, one row, one column."""
    for shape in THIN[subject.axes]:
        subject.draw(make_explanation(middle(shape)), f"a map of shape {shape}")


def signed(subject: RendererSubject) -> None:
    """Evidence of both signs, and against."""
    heat = subject.heat
    subject.draw(make_explanation(heat - subject.blob(1), evidence="signed"), "a signed map")
    subject.draw(make_explanation(-heat, evidence="signed"), "a map that is negative everywhere")
    subject.draw(make_explanation(heat, evidence="against"), "evidence against the class")


def blank(subject: RendererSubject) -> None:
    """A map that is zero everywhere, or one everywhere."""
    shape = subject.heat.shape
    for what, heat in {"zero": np.zeros(shape), "one": np.ones(shape)}.items():
        subject.draw(make_explanation(heat), f"a map that is {what} everywhere")


def other_axes(subject: RendererSubject) -> None:
    """Maps of another number of axes (signals, volumes) are drawn, or refused with an error that says so."""
    for shape in (SHAPES[axes][0] for axes in SHAPES if axes != subject.axes):
        explanation = make_explanation(middle(shape))
        try:
            subject.instance(explanation)
        except VisionCamError:
            continue
        except Exception:  # the message of `draw` says what is wrong
            pass
        subject.draw(
            explanation, f"a map with {len(shape)} axes (if it cannot draw one, let it raise an ImageError)"
        )


def shows_the_map(subject: RendererSubject) -> None:
    """Two maps give two pictures."""
    first, second = (subject.draw(make_explanation(subject.blob(i)), "a blob") for i in (0, 1))
    same = first.shape == second.shape and np.array_equal(first, second)
    require(not same, f"{subject.name} draws the same picture no matter where the evidence is")


def odd_words(subject: RendererSubject) -> None:
    """Names of classes are other people's text: signs, scripts, line breaks, none at all."""
    for word in WORDS:
        subject.draw(make_explanation(subject.heat, names=(word, "dog")), f"a class named {word[:40]!r}")
    subject.draw(make_explanation(subject.heat, names=()), "classes without names")


def every_choice(subject: RendererSubject) -> None:
    """Each switch turned over, each choice, each lower bound."""
    for made in options.variants(subject, highest=False):
        subject.draw(make_explanation(subject.heat), "a blob", made)


def explanation_untouched(subject: RendererSubject) -> None:
    """The arrays of the explanation are the same, bit for bit, after the call."""
    explanation = make_explanation(subject.heat.copy())
    arrays = {"picture": explanation.picture, "heatmap": explanation.heatmap, "raw": explanation.raw}
    before = {name: array.tobytes() for name, array in arrays.items()}
    subject.draw(explanation, "a blob")
    changed = [name for name, array in arrays.items() if array.tobytes() != before[name]]
    require(
        not changed,
        f"{subject.name} wrote to explanation.{', explanation.'.join(changed)}, which is the user's; draw on "
        "a copy",
    )


def same_picture_twice(subject: RendererSubject) -> None:
    """The same explanation gives the same picture, bit for bit."""
    explanation = make_explanation(subject.heat)
    first, second = (subject.draw(explanation, "a blob") for _ in range(2))
    require(
        first.shape == second.shape and np.array_equal(first, second),
        f"{subject.name} drew two different pictures of one explanation; keep no state, no random numbers",
    )


def leaves_the_program_alone(subject: RendererSubject) -> None:
    """Nothing is printed or shown; matplotlib's and all other settings stay as they are."""
    import matplotlib  # noqa: F401  -- so that its settings are watched

    assert_left_alone(subject.name, lambda: subject.draw(make_explanation(subject.heat), "a blob"))


def docstring(subject: RendererSubject) -> None:
    """The docstring says what is shown."""
    text = inspect.cleandoc(subject.cls.__doc__ or "")
    if text.startswith(f"Method generated by attrs for class {subject.name}"):
        text = ""
    require(text, f"{subject.name} has no docstring; say in one line what it shows")


RENDERER_CHECKS = by_name(
    picture, other_pictures, odd_sizes, signed, blank, other_axes, shows_the_map, odd_words, every_choice,
    explanation_untouched, same_picture_twice, leaves_the_program_alone,
    options.options_documented, options.options_validated, options.frozen, options.repr_round_trips,
    docstring,
)  # fmt: skip
"""Name -> check."""


def renderer_checks(renderer: Any, axes: int = 2) -> list[Check]:
    """Return the checks that a renderer of explanations must pass.

        @pytest.mark.parametrize("check", renderer_checks(Contours))
        def test_contract(check):
            check()

    They run on explanations made by hand, without TensorFlow.

    Args:
        renderer: its row (`RendererSpec`), its class, or an instance with options of your choice.
        axes: of the maps it draws: 2 for pictures, 1 for signals, 3 for volumes.  Maps of other axes it may
            draw as well, or refuse.

    Returns:
        One check each, with a `name` that pytest shows; calling it raises AssertionError or returns.
    """
    subject = RendererSubject(instance_of(renderer), axes)
    return [Check(name, subject, run) for name, run in RENDERER_CHECKS.items()]
