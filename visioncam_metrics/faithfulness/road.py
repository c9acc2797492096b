"""ROAD: remove and debias."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.cases import Case
from visioncam_core.metrics import STABLE, Measured, Switches
from visioncam_core.metrics.measure import UNORDERED
from visioncam_core.options import in_range, option
from visioncam_metrics.support.imputing import impute
from visioncam_metrics.support.order import order

PERCENTAGES = (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0)


@attrs.frozen
class _Removal:
    percentages: tuple[float, ...] = option(
        PERCENTAGES,
        help="how much is removed",
        unit="percent of the pixels",
        validator=in_range(0, 100, low_open=True, high_open=True),
    )
    noise: float = option(
        0.01, help="standard deviation of the noise, in ranges of the picture", validator=in_range(0, 1)
    )
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    refuses: ClassVar[frozenset[str]] = UNORDERED

    @property
    def switches(self) -> Switches:
        """How its numbers are made."""
        noise = f"noise {self.noise:g} of the picture's range"
        return Switches(
            fill=f"noisy linear imputation, weights 1/6 and 1/12, {noise}",
            mask="hard",
            steps=len(self.percentages),
            integration="mean over the percentages",
            ties=STABLE,
        )


@attrs.frozen
class ROAD(_Removal):
    """How much more it hurts to remove the strongest pixels than the weakest, filled in plausibly.

    Notes:
        ROAD = mean over the percentages of (p_least − p_most) / 2

        p_most: probability with the strongest pixels removed and filled in by noisy linear imputation;
        p_least: with the weakest removed.  −0.5 to 0.5; higher is better; 0 for a meaningless order.
        Pictures of two axes.  The shape of the hole may itself reveal the class.

    Differences:
        Exactly the nominal share of the pixels is removed.  pytorch-grad-cam thresholds at a percentile,
        which is 0 on a map that is mostly zero, and then removes everything.  Quantus 0.6.0 reads only
        its first batch, and fails on three channels.  The reference reports accuracy over a data set.

    References:
        Rong, Leemann et al., "A consistent and efficient evaluation strategy for attribution methods",
        ICML 2022, arXiv:2202.00449; imputation as in the authors' code.
    """

    bounds: ClassVar[tuple[float, float]] = (-0.5, 0.5)

    def __call__(self, case: Case) -> Measured:
        """Return the mean half difference of one picture, and the difference at each percentage."""
        most = removal(case, self.percentages, self.noise)
        least = removal(case, self.percentages, self.noise, least=True)
        found = (least - most) / 2
        return Measured(float(found.mean()), detail=found)


@attrs.frozen
class ROADMost(_Removal):
    """The probability that is left when the strongest pixels are removed and filled in plausibly.

    Notes:
        mean over the percentages of p_most

        Lower is better.  See `road`.

    Differences:
        As `road`.

    References:
        Rong, Leemann et al., ICML 2022, arXiv:2202.00449.
    """

    def __call__(self, case: Case) -> Measured:
        """Return the mean probability of one picture, and its curve."""
        found = removal(case, self.percentages, self.noise)
        return Measured(float(found.mean()), detail=found)


@attrs.frozen
class ROADLeast(_Removal):
    """The probability that is left when the weakest pixels are removed and filled in plausibly.

    Notes:
        mean over the percentages of p_least

        Higher is better.  See `road`.

    Differences:
        As `road`.

    References:
        Rong, Leemann et al., ICML 2022, arXiv:2202.00449.
    """

    def __call__(self, case: Case) -> Measured:
        """Return the mean probability of one picture, and its curve."""
        found = removal(case, self.percentages, self.noise, least=True)
        return Measured(float(found.mean()), detail=found)


def removal(case: Case, percentages: tuple[float, ...], noise: float, *, least: bool = False) -> np.ndarray:
    """Return the probability after removing each percentage of the pixels, (percentages,) float64.

    Args:
        case: a picture of two axes.
        percentages: how much is removed.
        noise: standard deviation of the noise on filled pixels, in ranges of the picture.
        least: the weakest pixels instead of the strongest.
    """
    if case.heat.ndim != 2:
        raise ValueError(f"ROAD needs a picture of two axes; this one has {case.heat.ndim}")
    placed = order(case.heat)
    placed = placed[::-1] if least else placed
    drawn = case.rng().normal(0.0, noise * float(np.ptp(case.x)), case.x.shape).astype(case.x.dtype)

    def make(indices: np.ndarray) -> np.ndarray:
        gone = [missing(placed, percentages[i], case.heat.shape) for i in indices]
        return np.stack([impute(case.x, hole) + drawn * hole[..., None] for hole in gone])

    return case.scores(make, len(percentages))


def missing(placed: np.ndarray, percentage: float, shape: tuple[int, ...]) -> np.ndarray:
    """Return which pixels are removed, bool of `shape`: exactly the nominal share, rounded."""
    gone = np.zeros(placed.size, bool)
    gone[placed[: round(placed.size * percentage / 100)]] = True
    return gone.reshape(shape)
