"""How much an evaluation measures."""

from __future__ import annotations

import attrs

from visioncam_core.options.fields import in_range, option


@attrs.frozen
class Budget:
    """How much is measured, and how long one may wait."""

    steps: int = option(20, help="deletion or insertion steps; 224 to report", validator=in_range(1, 100_000))
    seeds: int = option(5, help="randomised copies of the model", validator=in_range(1, 1000))
    cascade: int = option(4, help="steps to a random model", validator=in_range(1, 1000))
    patience: int = option(
        3000,
        help="passes that a metric may spend on one picture's maps by one method",
        validator=in_range(1, 10**9),
    )
