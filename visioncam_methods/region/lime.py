"""LIME."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.evidence import Attribution, Estimate, Evidence, hidden_kind, region_spec
from visioncam_core.options import in_range, option
from visioncam_methods.region.draws import (
    MOST_HELP,
    N_HELP,
    UNTIL_HELP,
    fair_pairs,
    two_halves,
    until_sure,
)
from visioncam_methods.region.game import HIDDEN_HELP, REGIONS_HELP, Game


@attrs.frozen
class LIME:
    """LIME: the weights of a linear model of the score around the picture, on pictures with regions hidden.

    Notes:
        π = √exp(−d² / width²),  d = 1 − √(|z| / R)
        M = (Zᵀ diag(π) Z + ridge · I)⁻¹ Zᵀ diag(π) y,  Z and y less their means under π

        y = v(z) = S(x_z): x_z is the picture where regions z are kept, the hidden picture elsewhere.  Of n
        rows z the first keeps all R regions; the others keep each with probability ½, in pairs with what they
        leave out.  M: (N, *space), signed, each region's weight on its pixels; its sum has no meaning.

    Differences:
        lime 0.2.0.1 solves the same system: with its rows and scores the weights agree to 2e-15.  Its hidden
        regions have their own mean colour: `hidden="regionmean"`; rows are not paired.  captum's default is
        25 rows and a lasso, which sets 10 to 13 of 24 weights to 0; xplique's distance is in pixels.

    References:
        Ribeiro, Singh and Guestrin, "Why should I trust you?", KDD 2016, arXiv:1602.04938.
    """

    regions: str | np.ndarray | dict[str, np.ndarray] = option(
        "grid:7", help=REGIONS_HELP, validator=region_spec
    )
    hidden: str | np.ndarray = option("grey", help=HIDDEN_HELP, validator=hidden_kind("regionmean"))
    n: int = option(1000, help=N_HELP, validator=in_range(6))
    width: float = option(0.25, help="width of the kernel", validator=in_range(0, low_open=True))
    ridge: float = option(1.0, help="penalty of the weights' squares", validator=in_range(0))
    until: float | None = option(None, help=UNTIL_HELP, validator=in_range(0, low_open=True))
    max_passes: int | None = option(None, help=MOST_HELP, validator=in_range(6))
    family: ClassVar[str] = "region"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space), each region's weight, and how sure they are."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        game = Game.of(one, self.regions, self.hidden)
        R = game.regions.count

        def estimate(count: int) -> Estimate:
            Z = np.concatenate([np.ones((1, R), bool), fair_pairs(count - 1, R, one.seed)])
            y, half = game(Z), np.concatenate([[-1], two_halves(count - 1)])
            halves = (self._weights(Z[half != side], y[half != side], self.ridge / 2) for side in (0, 1))
            return Estimate(self._weights(Z, y, self.ridge), tuple(halves))

        found = until_sure(estimate, self.n, self.until, self.max_passes)
        return game.attribution(found.values, error=found.error, repeats=found.repeats)

    def _weights(self, Z: np.ndarray, y: np.ndarray, ridge: float) -> np.ndarray:
        pi = np.sqrt(np.exp(-(((1 - np.sqrt(Z.mean(axis=1))) / self.width) ** 2)))
        Zc, yc = Z - np.average(Z, 0, pi), y - np.average(y, 0, pi)
        return np.linalg.lstsq((Zc.T * pi) @ Zc + ridge * np.eye(Z.shape[1]), Zc.T @ (pi * yc))[0]
