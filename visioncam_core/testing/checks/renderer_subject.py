"""A renderer under test, and the maps it is shown."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.results.explanation import Explanation
from visioncam_core.testing.checks.subject import Subject, require
from visioncam_core.testing.examples.explanations import blob

SHAPES = {1: ((50,), (31,)), 2: ((24, 36), (37, 20)), 3: ((6, 16, 20), (9, 8, 7))}
"""Number of axes -> shapes of a map."""
THIN = {1: ((1,), (2,)), 2: ((1, 1), (1, 40), (40, 1)), 3: ((1, 1, 1), (1, 9, 12), (7, 1, 12), (7, 9, 1))}


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
        """A map with one blob."""
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
