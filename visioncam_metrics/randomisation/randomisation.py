"""Sanity: does the map depend on what the model learnt, and on the class?"""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import Measured, Switches
from visioncam_core.options import option
from visioncam_core.results.agreement import rank_correlation
from visioncam_core.results.heat import heat
from visioncam_metrics.support.ssim import ssim
from visioncam_metrics.support.switches import constant

RANDOMISED = "weights randomised from the logits down, each tensor with its own mean and spread"


@attrs.frozen
class Randomisation:
    """How similar the map of a model with random weights is to the model's own.

    Notes:
        similarity(M, M of the model with every layer randomised), mean over seeds

        The cascade starts from a copy with the trained weights and randomises from the logits down, one
        step more each time; `detail` is the similarity after each step, 1 first.  Lower is better: a map
        that stays does not depend on what was learnt.  One seed proves nothing.  Below 0 is no better
        than 0: −1 is the same map with its sign flipped, which `similarity="absolute"` shows as 1.

    Differences:
        Kernels are drawn from a normal distribution with the trained kernel's mean and spread; vectors
        are shuffled.  The paper uses each layer's initialiser.  Quantus 0.6.0 starts from a model that is
        random already, and never randomises 1×1 kernels.

    References:
        Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018, arXiv:1810.03292.  Whether it
        passes depends on the task: Yona and Greenfeld 2021, arXiv:2110.14297 (abstract read only).
    """

    similarity: Literal["spearman", "absolute", "ssim"] = option(
        "spearman", help="rank correlation of signed maps, of absolute maps, or structural similarity"
    )
    needs: ClassVar[frozenset[str]] = frozenset({"randomised"})
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        shape = {"ssim": "positive part / maximum, at the layer", "absolute": "absolute, at the layer"}
        return Switches(
            score="the model and its randomised copies are run for maps",
            fill=RANDOMISED,
            map=shape.get(self.similarity, "raw, at the layer"),
            integration="mean over seeds, after the last step",
        )

    def __call__(self, case: Case) -> Measured:
        """Return the similarity after the last step, and after each."""
        found = np.array([[self._alike(seed[0], one) for one in seed] for seed in case.randomised()])
        known = np.isfinite(found[:, -1])
        if not known.any():
            return Measured(float("nan"), "the maps of the randomised model are blank or constant")
        return Measured(float(found[known, -1].mean()), detail=mean_known(found[known]))

    def _alike(self, one: np.ndarray, other: np.ndarray) -> float:
        if self.similarity == "ssim":
            return ssim(heat(one, "for"), heat(other, "for"))
        if self.similarity == "absolute":
            one, other = np.abs(one), np.abs(other)
        return rank_correlation(one, other)


def mean_known(rows: np.ndarray) -> np.ndarray:
    """Return the mean of each column over the rows that have a number there; NaN where none has."""
    known = np.isfinite(rows)
    total = np.where(known, rows, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


@attrs.frozen
class ClassSensitivity:
    """How similar the map of another class is to the class's own.

    Notes:
        Spearman(M for the class, M for another class)

        Signed maps at the layer; the other class is drawn for each picture.  Lower is better: a map
        that is the same for every class says nothing about this one.

    Differences:
        Quantus' random logit test compares with SSIM.

    References:
        Sixt et al., "When explanations lie", ICML 2020, arXiv:1912.09818, for the test of another logit;
        not read in full here.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"rival"})
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    switches = constant(
        Switches(
            score="the model is run for the map of another class, picked by the seed",
            map="raw, at the layer",
            integration="rank correlation",
        )
    )

    def __call__(self, case: Case) -> float:
        """Return the rank correlation of one picture."""
        return rank_correlation(case.heat if case.raw is None else case.raw, case.rival())
