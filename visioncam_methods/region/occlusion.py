"""Occlusion."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import ClassVar

import attrs
import numpy as np

from visioncam_core.errors import OptionError
from visioncam_core.evidence import Attribution, Evidence, Regions, hidden_kind, region_spec
from visioncam_core.options import in_range, option
from visioncam_methods.region.game import HIDDEN_HELP, REGIONS_HELP, Game

MOST = 2**27  # windows × cells


@attrs.frozen
class Occlusion:
    """Occlusion: how far the score falls when a window, or a region, is hidden.

    Notes:
        M_p = mean over the windows W that cover p of S(x) − S(x without W)

        x without W: the hidden picture in the window.  M: (N, *space), signed.  Windows lie `stride`
        apart; the last one is moved inside, so that every pixel is covered.  By default 13 × 13 windows a
        seventh of the side wide, overlapping by half.  With `regions` each is left out alone: M = S(x) −
        S(x without it), and the explanation has their table.

    Differences:
        captum cuts windows off at the edge; where they fit, values agree.  xplique
        adds up over windows, so that its map is 1, 2 or 4 times this one by position, and leaves 0 where no
        full window fits.

    References:
        Zeiler and Fergus, "Visualizing and understanding convolutional networks", ECCV 2014,
        arXiv:1311.2901.
    """

    window: int | None = option(
        None, help="side in pixels; a seventh of the picture's by default", validator=in_range(1)
    )
    stride: int | None = option(
        None, help="pixels between two windows; half a window by default", validator=in_range(1)
    )
    regions: str | np.ndarray | dict[str, np.ndarray] | None = option(
        None,
        help=f"regions instead of windows: {REGIONS_HELP}",
        validator=attrs.validators.optional(region_spec),
    )
    hidden: str | np.ndarray = option("grey", help=HIDDEN_HELP, validator=hidden_kind("regionmean"))
    family: ClassVar[str] = "region"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space), and what each region gave."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        if self.regions is not None:
            if self.window is not None or self.stride is not None:
                raise OptionError("occlusion takes regions=, or window= and stride=, not both")
            game = Game.of(one, self.regions, self.hidden)
            return game.attribution(float(one.score[0]) - game(~np.eye(game.regions.count, dtype=bool)))
        cells, covered = self._windows(one.inputs.shape[1:-1])
        game = Game.of(one, cells, self.hidden)
        drop = float(one.score[0]) - game(~covered)
        M = game.attribution(drop @ covered / covered.sum(axis=0))
        return attrs.evolve(M, regions=())

    def _windows(self, space: tuple[int, ...]) -> tuple[Regions, np.ndarray]:
        """Return the cells that the windows' edges cut, and which of them each window covers, (L, R)."""
        sides = []
        for n in space:
            window = self.window or -(-n // 7)
            stride = self.stride or -(-window // 2)
            if window > n or stride > window:
                raise OptionError(
                    f"occlusion with window={window} and stride={stride} cannot cover a side of {n} pixels; "
                    f"pass window= up to {n}, and stride= up to the window"
                )
            begin = np.unique([*range(0, n - window + 1, stride), n - window])
            edges = np.unique([begin, begin + window])
            number = np.searchsorted(edges, np.arange(n), side="right") - 1
            sides.append((number, (begin[:, None] <= edges[:-1]) & (edges[:-1] < begin[:, None] + window)))
        windows, count = (prod(one.shape[k] for _, one in sides) for k in (0, 1))
        if windows * count > MOST:
            raise OptionError(
                f"window={self.window} and stride={self.stride} make {windows:,} windows on {space}; pass a "
                "larger stride="
            )
        labels = np.zeros((), np.int32)
        for number, one in sides:
            labels = labels[..., None] * one.shape[1] + number
        covered = np.ones((1, 1), bool)
        for _, one in sides:
            covered = np.kron(covered, one)
        names = tuple(map(str, product(*(range(one.shape[1]) for _, one in sides))))
        return Regions(labels.astype(np.int32), names, "windows"), covered
