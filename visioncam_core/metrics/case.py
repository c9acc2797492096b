"""A case: one picture, one map of it, and the means to ask the model for more.  What a metric looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import attrs
import numpy as np

from visioncam_core.errors import PluginError
from visioncam_core.images.box import Box
from visioncam_core.resize import STRETCHED, Placement

Make = Callable[[np.ndarray], Any]
Scored = Literal["probability", "remainder", "target"]


@attrs.frozen(eq=False)
class Questions:
    """What a metric can request beyond the map itself; None for what it cannot.

    Attributes:
        scores: (make, count, which) -> (count,) scores of changed pictures, in bounded batches.  `make`
            is given (b,) indices and returns (b, *space, C) model inputs.
        maps: (M, *space, C) model inputs -> (M, *grid) raw maps of the same method, layer and class.
        rival: () -> (*grid) raw map of the same picture for another class.
        randomised: () -> for each seed, the raw maps of the same picture after each step of the cascade;
            the first belongs to the trained weights.
        blank: () -> the score when the layer gives zeros.
    """

    scores: Callable[[Make, int, Scored], np.ndarray] | None = None
    maps: Callable[[np.ndarray], np.ndarray] | None = None
    rival: Callable[[], np.ndarray] | None = None
    randomised: Callable[[], Sequence[Sequence[np.ndarray]]] | None = None
    blank: Callable[[], float] | None = None


@attrs.frozen(eq=False)
class Case:
    """One picture with one map of it.

    Attributes:
        x: (*space, C) float32 the picture as the model receives it, channels last.
        heat: (*space) float32 in [0, 1]: the map's positive part over its maximum, at the input's size.
        raw: (*grid) float32 signed map at the layer, or None where the map has no scale.
        probability: of the explained class, on the clean picture.
        remainder: 1 - probability, as the sum of the other classes' probabilities: exact also near 0.
        score: the explained scalar S on the clean picture.
        truth: (*space) bool where the object is, or None if unknown.
        boxes: around the objects, in pixel edges of the input.
        placement: where the positions of `raw` lie on `x`.
        pixel: sides of a pixel of the input in pixels of the picture, axis by axis; None for 1.
        black: (C,) what a black pixel is as model input, or None where that is not known.
        picture: number of the picture, for seeds.
        seed: of whatever is drawn.
    """

    x: np.ndarray
    heat: np.ndarray
    raw: np.ndarray | None = None
    probability: float = float("nan")
    remainder: float = float("nan")
    score: float = float("nan")
    truth: np.ndarray | None = None
    boxes: tuple[Box, ...] = ()
    placement: Placement = STRETCHED
    pixel: tuple[float, ...] | None = None
    black: np.ndarray | None = None
    picture: int = 0
    seed: int = 0
    questions: Questions = Questions()

    def scores(self, make: Make, count: int, which: Scored = "probability") -> np.ndarray:
        """Return the (count,) scores of changed pictures, float64.

        Args:
            make: (b,) int indices -> (b, *space, C).
            count: how many in all.
            which: "probability" of the class, "remainder" (1 minus it), or "target" (the scalar explained).
        """
        ask = _require(self.questions.scores, "scores")
        return np.asarray(ask(make, count, which), np.float64).reshape(count)

    def score_of(self, version: np.ndarray, which: Scored = "probability") -> float:
        """Return the score of one changed picture (*space, C)."""
        return float(self.scores(lambda indices: np.repeat(version[None], len(indices), 0), 1, which)[0])

    def maps(self, inputs: np.ndarray) -> np.ndarray:
        """Return the (M, *grid) raw maps of the same method at other model inputs (M, *space, C)."""
        return np.asarray(_require(self.questions.maps, "maps")(inputs), np.float32)

    def rival(self) -> np.ndarray:
        """Return the raw map of the same picture for another class."""
        return np.asarray(_require(self.questions.rival, "rival")(), np.float32)

    def randomised(self) -> Sequence[Sequence[np.ndarray]]:
        """Return for each seed the raw maps after each step of the cascade, the trained model's first."""
        return _require(self.questions.randomised, "randomised")()

    def blank(self) -> float:
        """Return the explained scalar when the layer gives zeros: what the biases behind it amount to."""
        return float(_require(self.questions.blank, "blank")())

    def rng(self) -> np.random.Generator:
        """Return a generator that draws the same for every method on this picture."""
        return np.random.default_rng((self.seed, self.picture))

    @property
    def masked(self) -> np.ndarray:
        """(*space, C) the picture times the map: x ∘ M."""
        return np.asarray(self.x * self.heat[..., None], np.float32)


def _require(question: Any, name: str) -> Any:
    if question is None:
        raise PluginError(f"this case has no {name}; the metric must declare it in `needs`")
    return question
