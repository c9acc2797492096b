"""MaxBoxAcc: localisation at the best threshold."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.images.box import Box
from visioncam_core.metrics import UNASKED, Measured, Switches
from visioncam_core.options import in_range, option
from visioncam_core.results.areas import parts_above

TINY = float(np.finfo(np.float32).tiny)


@attrs.frozen
class MaxBoxAcc:
    """The share of pictures whose box is found, at the threshold that is best for the method.

    Notes:
        MaxBoxAcc(δ) = max over τ of the share of pictures with IoU(box of {M ≥ τ max M}, box) ≥ δ

        A number of the data set: the best τ is one for all pictures.  A picture's own value is whether
        any τ finds it.  `delta=(0.3, 0.5, 0.7)` with `areas="all"` is MaxBoxAccV2.  Higher is better.
        A uniform map, whose box is the whole picture, gets what is reported with it as `uniform`.

    Differences:
        The authors step τ by 0.001 on maps of 0 to 255 and draw boxes that end one pixel later; here τ
        has `levels` steps and boxes end where the area does.

    References:
        Choe et al., "Evaluating weakly supervised object localization methods right", CVPR 2020,
        arXiv:2001.07437; details as in the authors' code.
    """

    delta: tuple[float, ...] = option((0.5,), help="IoU from which a box is found; several are averaged",
                                      validator=in_range(0, 1, low_open=True))  # fmt: skip
    levels: int = option(100, help="thresholds tried", validator=in_range(2, 1000))
    areas: Literal["largest", "all"] = option("largest", help="which connected area may be the box")
    needs: ClassVar[frozenset[str]] = frozenset({"truth"})
    refuses: ClassVar[frozenset[str]] = frozenset({"blank", "constant"})

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        return Switches(
            score=UNASKED, mask="hard, the best threshold", steps=self.levels, integration="maximum over τ"
        )

    def __call__(self, case: Case) -> Measured:
        """Return whether any threshold finds the box, and (levels, deltas) which do."""
        assert case.truth is not None
        wanted = case.boxes or (Box.around(case.truth),)
        top = float(case.heat.max())
        best = np.array([self._best(case.heat, top * i / self.levels, wanted) for i in range(self.levels)])
        hits = (best[:, None] >= np.asarray(self.delta)[None]).astype(np.float64)
        whole = Box.around(np.ones_like(case.truth))
        uniform = np.mean(max(whole.iou(other) for other in wanted) >= np.asarray(self.delta))
        return Measured(float(hits.max(axis=0).mean()), detail=hits, uniform=float(uniform))

    def combine(self, hits: np.ndarray) -> float:
        """Return the metric from (n, levels, deltas) hits: the best threshold for all, the mean over δ."""
        return float(hits.mean(axis=0).max(axis=0).mean())

    def _best(self, heat: np.ndarray, cut: float, wanted: tuple[Box, ...]) -> float:
        found = [part.box for part in parts_above(heat, max(cut, TINY))]
        if self.areas == "largest":
            found = sorted(found, key=lambda box: -box.area)[:1]
        return max((one.iou(other) for one in found for other in wanted), default=0.0)
