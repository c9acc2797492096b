"""How many pictures go through a function at once."""

from __future__ import annotations

import attrs

FEW, FEWER = 32, 8


MANY = 4096


DEFAULT_BYTES = 300 * 10**6
"""What one batch of changed pictures may need by default, as estimated."""


@attrs.frozen
class Budget:
    """What bounds a batch.

    Attributes:
        pictures: how many at most, asked for by the user; None to choose.
        memory: bytes one batch may need, as estimated from the graph.
    """

    pictures: int | None = None
    memory: int = DEFAULT_BYTES

    @property
    def plain(self) -> int:
        """Pictures in one pass that is not measured."""
        return self.pictures or FEW

    def batch(self, need: int | None) -> int:
        """Return how many versions go through a function at once.

        Args:
            need: bytes one version needs, or None where the graph does not say.
        """
        if self.pictures is not None or not need:
            return self.plain
        return max(1, min(MANY, self.memory // need))
