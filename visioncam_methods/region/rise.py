"""RISE."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from visioncam_core import ops
from visioncam_core.evidence import (
    Account,
    Attribution,
    Estimate,
    Evidence,
    hidden_kind,
    name_of,
    region_spec,
)
from visioncam_core.options import in_range, option
from visioncam_methods.region.draws import (
    MOST_HELP,
    N_HELP,
    UNTIL_HELP,
    fair_pairs,
    two_halves,
    until_sure,
)
from visioncam_methods.region.game import HIDDEN_HELP, REGIONS_HELP, Game, one_hidden


@attrs.frozen
class RISE:
    """RISE: the score's covariance with random masks on the picture.

    Notes:
        M_p = (1/n) Σ_i (S_i − S̄)(m_ip − m̄_p) / var(m_p)       centred, the default
        M_p = (1/(n p)) Σ_i S_i m_ip                             `centre=False`, the paper's

        S_i = S(m_i ∘ x + (1 − m_i) ∘ h), h the hidden picture.  A mask m_i is s × s bits, each 1 with
        probability p, enlarged bilinearly to (s + 1) ⌈side/s⌉ pixels and cut out at its own random shift; for
        p = ½ masks come in pairs m, 1 − m.  M: (N, *space), signed.  With `regions` masks are hard: each
        region is kept or hidden, and the centred M is E[v | kept] − E[v | hidden], the Banzhaf value.
        The account has the correlation to expect with another seed's map, from two halves.

    Differences:
        The plain estimate adds the mean score times the masks' noise: after 200 masks it correlates .29 with
        its own limit where the centred one has .95.  The paper's score is the probability, and h is 0 in the
        model's input: `hidden="zero"`.  xplique moves a whole batch of masks by one shift and divides by Σ m.

    References:
        Petsiuk, Das and Saenko, "RISE: Randomized input sampling for explanation of black-box models",
        BMVC 2018, arXiv:1806.07421.
    """

    n: int = option(1000, help=N_HELP, validator=in_range(8))
    s: int = option(7, help="bits along each side of a mask", validator=in_range(1, 64))
    p: float = option(0.5, help="probability that a bit is 1", validator=in_range(0.01, 0.99))
    centre: bool = option(True, help="subtract the means: less noise")
    regions: str | np.ndarray | dict[str, np.ndarray] | None = option(
        None, help=f"hard masks of regions: {REGIONS_HELP}", validator=attrs.validators.optional(region_spec)
    )
    hidden: str | np.ndarray = option("grey", help=HIDDEN_HELP, validator=hidden_kind("regionmean"))
    until: float | None = option(None, help=UNTIL_HELP, validator=in_range(0, low_open=True))
    max_passes: int | None = option(None, help=MOST_HELP, validator=in_range(8))
    family: ClassVar[str] = "region"
    on: ClassVar[str] = "input"
    needs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, evidence: Evidence) -> Attribution:
        """Return the raw map (N, *space), what each region gave, and how sure it is."""
        return Attribution.joined([self._one(one) for one in evidence.each()])

    def _one(self, one: Evidence) -> Attribution:
        return self._soft(one) if self.regions is None else self._hard(one)

    def _hard(self, one: Evidence) -> Attribution:
        game = Game.of(one, self.regions, self.hidden)
        R = game.regions.count

        def estimate(count: int) -> Estimate:
            Z = self._bits(count, R, one.seed)
            sums = Sums()
            sums.add(Z, game(Z), two_halves(count))
            return sums.estimate(self.p, self.centre)

        found = until_sure(estimate, self.n, self.until, self.max_passes)
        return game.attribution(found.values, error=found.error, repeats=found.repeats)

    def _soft(self, one: Evidence) -> Attribution:
        space = one.inputs.shape[1:-1]
        hidden = one_hidden(one, self.hidden)
        cell = np.array([-(-n // self.s) for n in space])
        step = self.s / ((self.s + 1) * cell)  # bits between two pixels
        pixels = [
            ((np.arange(n) + 0.5) * d - 0.5).astype(np.float32) for n, d in zip(space, step, strict=True)
        ]
        masks = (np.arange(self.s, dtype=np.float32), *pixels)
        sums, baseline = Sums(), name_of(self.hidden)

        def estimate(count: int) -> Estimate:
            maps = self._maps(count, cell, step, one.seed)[sums.count :]
            S = one.score_changed(seen, maps, extra=(hidden.astype(np.float32), *masks))
            S, half = np.asarray(ops.to_numpy(S), np.float64), two_halves(count)[sums.count :]
            for start in range(0, len(maps), 32):
                part = slice(start, start + 32)
                sums.add(soft(maps[part], *masks), S[part], half[part])
            return sums.estimate(self.p, self.centre)

        found = until_sure(estimate, self.n, self.until, self.max_passes)
        account = Account(baseline, error=found.error, repeats=found.repeats, samples=sums.count)
        return Attribution(found.values[None].astype(np.float32), (account,))

    def _maps(self, count: int, cell: np.ndarray, step: np.ndarray, seed: int) -> np.ndarray:
        """Return (count, s^axes + axes): bits and shift of each mask; a pair has one shift."""
        bits = self._bits(count, self.s ** len(cell), seed)
        shift = np.random.default_rng([seed, 1]).integers(0, cell, (count, len(cell)))
        shift = shift[np.arange(count) // 2 * 2] if self.p == 0.5 else shift
        return np.concatenate([bits, shift * step], axis=1).astype(np.float32)

    def _bits(self, count: int, size: int, seed: int) -> np.ndarray:
        if self.p == 0.5:
            return fair_pairs(count, size, seed)
        return np.random.default_rng([seed, size]).random((count, size)) < self.p


@attrs.define(eq=False)
class Sums:
    """What is added up over masks, each half for itself: first axis [1, m, m², S, S m] by half."""

    halves: dict[int, list[np.ndarray]] = attrs.field(factory=dict)
    count: int = 0

    def add(self, m: np.ndarray, S: np.ndarray, half: np.ndarray) -> None:
        """Take in masks (b, ...) and their scores (b,)."""
        self.count += len(S)
        for side in (0, 1):
            ones = (half == side).astype(np.float64)
            square = np.square(m, dtype=np.float32) if m.dtype != bool else m
            new = [ones.sum(), np.tensordot(ones, m, 1), np.tensordot(ones, square, 1), ones @ S]
            new.append(np.tensordot(ones * S, m, 1))
            old = self.halves.get(side)
            self.halves[side] = new if old is None else [a + b for a, b in zip(old, new, strict=True)]

    def estimate(self, p: float, centre: bool) -> Estimate:
        both = [a + b for a, b in zip(self.halves[0], self.halves[1], strict=True)]
        return Estimate(_slope(both, p, centre), tuple(_slope(self.halves[k], p, centre) for k in (0, 1)))


def _slope(sums: list[np.ndarray], p: float, centre: bool) -> np.ndarray:
    n, m, mm, S, Sm = sums
    if not centre:
        return Sm / (n * p)
    var = mm / n - (m / n) ** 2
    return np.where(var > 1e-9, (Sm / n - S / n * m / n) / np.maximum(var, 1e-9), 0.0)


def soft(maps: np.ndarray, index: np.ndarray, *pixels: np.ndarray) -> np.ndarray:
    """Return masks (b, *space) of bits and shifts (b, s^axes + axes), at pixels (side,) in units of bits."""
    xp, s, axes = ops.backend(maps), int(index.shape[0]), len(pixels)
    m = maps[:, :-axes]
    for axis, at in enumerate(pixels):
        where = xp.clip(at[None, :] + maps[:, axis - axes][:, None], 0.0, s - 1.0)
        near = ops.relu(1.0 - xp.abs(where[..., None] - index))
        m = xp.matmul(near, xp.reshape(m, (-1, s, int(m.shape[1]) // s)))
        m = xp.moveaxis(m, 1, 2)
        m = xp.reshape(m, (-1, int(m.shape[1]) * int(m.shape[2])))
    return xp.reshape(m, (-1, *(int(at.shape[0]) for at in pixels)))


def seen(x: np.ndarray, maps: np.ndarray, hidden: np.ndarray, *masks: np.ndarray) -> np.ndarray:
    """Return the picture (1, *space, C) seen through each mask, the hidden one elsewhere."""
    m = soft(maps, *masks)[..., None]
    return m * x + (1.0 - m) * hidden
