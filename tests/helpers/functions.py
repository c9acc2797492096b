"""Functions as models, for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

SIZE = (16, 24)
WEIGHTS = np.arange(16.0).reshape(4, 4) - 5


def linear(x: np.ndarray) -> np.ndarray:
    """Return (N, 2): Σ over the cells of a 4 by 4 grid of weight times red, and of green."""
    cells = x.reshape(len(x), 4, 4, 4, 6, -1).mean(axis=(2, 4)) / 255
    return np.stack([(cells[..., c] * WEIGHTS).sum(axis=(1, 2)) + 3 for c in (0, 1)], axis=1)


@attrs.define
class Watched:
    """A function that remembers what it was given."""

    function: Callable[[np.ndarray], Any]
    given: list[np.ndarray] = attrs.field(factory=list)

    def __call__(self, x: np.ndarray) -> Any:
        self.given.append(x.copy())
        return self.function(x)
