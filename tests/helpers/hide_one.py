"""A method that hides one cell of a grid at a time; a plugin file, and a test's module."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from visioncam_core.evidence import Evidence
from visioncam_core.hookspecs import hookimpl
from visioncam_core.options import option
from visioncam_core.specs import MethodSpec


@attrs.frozen
class HideOne:
    """M_p = S(x) - S(x without the cell of p), on a grid of 4 by 4."""

    hidden: str = option("grey", help="what is seen in the place of a cell")
    family: ClassVar[str] = "region"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})

    def __call__(self, evidence: Evidence) -> Any:
        return np.concatenate([self._map(one) for one in evidence.each()])

    def _map(self, one: Evidence) -> np.ndarray:
        regions = one.regions("grid:4")
        keep = ~np.eye(regions.count, dtype=bool)
        drops = float(one.score[0]) - one.score_kept(regions, keep, one.hidden(self.hidden))
        found: np.ndarray = drops[regions.labels][None]
        return found


@hookimpl
def visioncam_register_methods() -> list[MethodSpec]:
    return [MethodSpec("hideone", HideOne, "Hide one", "nowhere", "the drop without a cell", in_all=False)]
