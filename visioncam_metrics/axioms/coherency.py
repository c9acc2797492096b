"""Coherency."""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import Switches
from visioncam_core.results.agreement import pearson
from visioncam_core.results.heat import heat
from visioncam_metrics.support.switches import constant


@attrs.frozen
class Coherency:
    """Whether the masked picture has the same map.

    Notes:
        coherency = (Pearson(M(x), M(x ∘ M)) + 1) / 2

        The same class in both; compared at the layer's resolution, positive parts.  0 to 1; higher is
        better.

    Differences:
        The authors' code counts an undefined correlation as 0; here such a picture is flagged.

    References:
        Poppi et al., "Revisiting the evaluation of class activation mapping for explainability",
        CVPRW 2021, arXiv:2104.10252.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"maps"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    switches = constant(
        Switches(
            score="the model is run for a map",
            fill="the picture times the map: zero as model input",
            mask="soft",
            map="positive part / maximum, at the layer",
        )
    )

    def __call__(self, case: Case) -> float:
        """Return the coherency of one picture."""
        return coherency(case)


def coherency(case: Case) -> float:
    """Return (Pearson + 1) / 2 of the map with that of the masked picture; NaN where it is undefined."""
    raw = case.heat if case.raw is None else case.raw
    again = case.maps(case.masked[None])[0]
    return (pearson(heat(raw, "for"), heat(again, "for")) + 1) / 2
