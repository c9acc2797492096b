"""The score of a model on tape: which values it is read from, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from visioncam_core.engine.output import Score


@attrs.frozen(eq=False)
class TapeScore(Score):
    """A score with its place on the tape.

    Attributes:
        fetches: the values that it is read from.
        read: (the fetched tensors) -> (values, answer), float32 and differentiable; of a dense output with
            channels last.
        leaves: values of the tape that the score is put together from.
        channels_first: the output is (N, classes, *space).
    """

    fetches: tuple[int, ...] = ()
    read: Callable[[list[Any]], tuple[Any, Any]] = lambda found: (found[0], found[0])
    leaves: tuple[int, ...] = ()
    channels_first: bool = False

    @property
    def key(self) -> tuple[str, str, tuple[int, ...]]:
        """What identifies it within one trace."""
        return (self.output, self.kind, self.fetches)
