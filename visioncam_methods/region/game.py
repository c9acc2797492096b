"""The game that methods of this room play: a score for each choice of regions that are kept."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from visioncam_core.errors import OptionError
from visioncam_core.evidence import Account, Attribution, Evidence, Regions, RegionTable, name_of

AT_ONCE = 2**24
"""Entries of `keep` that are handed on together."""
REGIONS_HELP = "grid:7 or slic:50; in Python also labels on your picture, or a dict of names and masks"
HIDDEN_HELP = "what replaces hidden regions: grey, black, white, zero, mean, regionmean, blur:10, noise"


@attrs.frozen(eq=False)
class Game:
    """v(z) = S(x_z), x_z the picture where z keeps and the hidden picture elsewhere; of one picture.

    Attributes:
        evidence: of one picture.
        regions: R of them.
        hidden: (1, *space, C).
        baseline: the hidden picture in words.
    """

    evidence: Evidence
    regions: Regions
    hidden: np.ndarray
    baseline: str
    _known: dict[bytes, float] = attrs.field(factory=dict)

    @classmethod
    def of(cls, one: Evidence, regions: Any, hidden: Any) -> Game:
        """Return the game of what the options `regions` and `hidden` mean.

        Raises:
            OptionError: no such regions or hidden picture, or a stack of several.
        """
        parts = regions if isinstance(regions, Regions) else one.regions(regions)
        return cls(one, parts, one_hidden(one, hidden, parts), name_of(hidden))

    def __call__(self, keep: np.ndarray) -> np.ndarray:
        """Return (L,) float64 scores of (L, R) bool rows; no row is scored twice."""
        names = [row.tobytes() for row in np.packbits(keep, axis=1)]
        new = {name: i for i, name in enumerate(names) if name not in self._known}
        rows, step = np.fromiter(new.values(), int, len(new)), max(1, AT_ONCE // self.regions.count)
        for start in range(0, len(rows), step):
            part = keep[rows[start : start + step]]
            scores = self.evidence.score_kept(self.regions, part, self.hidden)
            self._known.update(zip(list(new)[start : start + step], map(float, scores), strict=True))
        return np.array([self._known[name] for name in names])

    @property
    def passes(self) -> int:
        """How many scores were read."""
        return len(self._known)

    def ends(self) -> tuple[float, float]:
        """Return v(nothing kept) and v(all kept)."""
        nothing, everything = self(np.arange(2)[:, None] * np.ones(self.regions.count) > 0)
        return float(nothing), float(everything)

    def attribution(self, contributions: np.ndarray, **account: Any) -> Attribution:
        """Return a contribution for each region, (R,), as a map with table and account."""
        parts = self.regions
        return Attribution(
            parts.spread(contributions)[None],
            (Account(self.baseline, samples=self.passes, **account),),
            (RegionTable(parts.labels, parts.names, contributions),),
        )


def one_hidden(one: Evidence, hidden: Any, regions: Regions | None = None) -> np.ndarray:
    """Return the hidden picture (1, *space, C) that the option `hidden` means.

    Raises:
        OptionError: no such picture, or a stack of several.
    """
    pictures = one.hidden(hidden, regions)
    if len(pictures) != 1:
        raise OptionError(
            f"hidden has {len(pictures)} pictures; this method takes one: pass hidden[:1], or 'grey'"
        )
    return pictures
