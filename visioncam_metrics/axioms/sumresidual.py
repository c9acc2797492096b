"""Sum to score: does the map add up to what it explains?"""

from __future__ import annotations

from typing import ClassVar

import attrs

from visioncam_core.cases import Case
from visioncam_core.metrics import Switches
from visioncam_metrics.support.switches import constant


@attrs.frozen
class SumResidual:
    """How far the raw map's sum is from the score, less what the biases alone give.

    Notes:
        |Σ_p M_p − (S − S₀)| / |S − S₀|,  S₀: the score when the layer gives zeros

        Raw map, signed, at the layer.  0 is complete; lower is better.  Exact for Grad-CAM, HiResCAM,
        XGrad-CAM and Respond-CAM on global average pooling and one dense layer, for XGrad-CAM, Respond-CAM
        and HiResCAM on any piecewise linear tail without biases.  Other methods do not promise it.

    Differences:
        Quantus compares with `==`, which rounding never meets; this is a relative residual, never a yes
        or no.

    References:
        Zhao et al., "Respond-CAM", MICCAI 2018, arXiv:1806.00102; Draelos and Carin 2020,
        arXiv:2011.08891; Fu et al. 2020, arXiv:2008.02312.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"activations"})
    refuses: ClassVar[frozenset[str]] = frozenset()
    switches = constant(
        Switches(
            score="the explained scalar, less that of a layer of zeros",
            fill="zeros at the layer",
            where="the layer",
            map="raw, at the layer",
        )
    )

    def __call__(self, case: Case) -> float:
        """Return the relative residual of one map; NaN where the score is what the biases give."""
        assert case.raw is not None
        wanted = case.score - case.blank()
        return abs(float(case.raw.sum(dtype="float64")) - wanted) / abs(wanted) if wanted else float("nan")
