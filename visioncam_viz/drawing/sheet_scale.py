"""Whether the maps of a sheet share a scale: strongest evidence compared where it may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import attrs
import numpy as np

from visioncam_core.results.heat import part_of

if TYPE_CHECKING:
    from visioncam_core.results.comparison import Comparison
    from visioncam_core.results.explanation import Explanation

Scale = Literal["map", "method", "all"]
WORDS = {
    "map": "each map on its own scale",
    "method": "maps of one method share a scale",
    "all": "one scale for all maps",
}


def scale_maps(groups: Sequence[Comparison], scale: Scale) -> list[Comparison]:
    """Return comparisons whose maps are divided by the largest value of all that share their scale.

    Methods measure different things: a scale across methods compares their raw numbers all the same.

    Args:
        groups: the sheet's comparisons; their maps each have 1 as the strongest evidence.
        scale: "map" (as they are), "method" or "all".
    """
    if scale == "map":
        return list(groups)
    tops: dict[str, float] = {}
    for e in (e for group in groups for e in group.explanations):
        key = e.method if scale == "method" else ""
        tops[key] = max(tops.get(key, 0.0), _top(e))

    def shared(e: Explanation) -> Explanation:
        most = tops[e.method if scale == "method" else ""]
        share = _top(e) / most if most > 0 else 1.0
        return attrs.evolve(e, heatmap=e.heatmap * np.float32(share))

    return [attrs.evolve(group, explanations=tuple(map(shared, group.explanations))) for group in groups]


def strongest(explanation: Explanation) -> str:
    """Return where a map ends on a shared scale: `strongest 40 %`; without it a weak map looks like none."""
    top = float(np.abs(explanation.heatmap).max(initial=0.0))
    return f"strongest {100 * top:.0f} %" if top == 0 or top >= 0.005 else "strongest < 1 %"


def _top(explanation: Explanation) -> float:
    part = part_of(np.asarray(explanation.raw, np.float32), explanation.evidence)
    return float(np.abs(part).max(initial=0.0))
