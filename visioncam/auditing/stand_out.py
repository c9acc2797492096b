"""Which places stand out in the maps of a class, beyond chance and at the same spot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.auditing.places import BORDER, INNER, PLACES, SIDE, apart, around, cells, mirrored, summed
from visioncam_core.metrics.chance import chances, signs
from visioncam_core.metrics.intervals import Interval, interval

LEVEL = 0.05  # so often chance may find any place in a whole data set
LEAST = 1.5  # times what a uniform map has: nothing below is a finding
PEAK = 1.2  # times what lies right around it, or it is the slope of something else
MOST = 0.7  # of the class's pictures have more there than a uniform map; an object is elsewhere in many
SPOT, LONG = 0.04, 0.06  # of a side: evidence that moves more is an object's; along an edge
FLIPS = 2**13
NEAR = 11  # cells: an object's surroundings that still count as it, as maps are coarse
SURELY_LESS = -2.0  # standard errors
DECIDES, MOSTLY = 0.05, 0.5  # of the class's probability
TOLD = {
    "boxes": "beside the objects, as their boxes say",
    "spread": "always at the same spot, where an object would move; boxes would settle it",
}


@attrs.frozen(eq=False)
class Finding:
    """One class at one place; a finding where it stands out.

    Attributes:
        explained: the class, or "all classes" where none has enough pictures of its own.
        place: "upper left corner", "bottom middle", "left edge", "border", ...
        shares: (n,) of each picture's evidence there, 0 to 1.
        uniform: what a uniform map has there, on average.
        random: what the maps of the randomised model have, the pictures moved around, so that it is the
            architecture's; NaN where there are none.
        others: what the maps of the other classes have; NaN where there are none.
        chance: how often chance finds any place as clear in the whole data set; NaN where not judged.
        steady: in which part of the pictures there is more than on a uniform map.
        spread: how far, of a side, the evidence there moves from picture to picture: the median.
        told: how it was told apart from an object there: "boxes" or "spread".
        found: whether it is a finding: of those that touch, the one that tells most.
        drop: what the class's probability loses when the place is hidden, with its interval; or None.
    """

    explained: str
    place: str
    shares: np.ndarray = attrs.field(repr=False)
    uniform: float
    random: float
    others: float
    chance: float
    steady: float
    spread: float
    told: str
    found: bool = False
    drop: Interval | None = None

    @property
    def share(self) -> Interval:
        """The mean share, with its interval over the pictures."""
        return interval(self.shares, (0.0, 1.0))

    @property
    def times(self) -> float:
        """Times what a uniform map has."""
        return float(self.shares.mean()) / max(self.uniform, 1e-12)

    @property
    def times_random(self) -> float:
        """Times what the randomised model has, at most 100; NaN where there is none."""
        return min(float(self.shares.mean()) / max(self.random, 1e-12), 100.0)

    @property
    def verdict(self) -> str:
        """Whether the class's score depends on the place."""
        if self.drop is None:
            return "not hidden: the target is not a class"
        if self.drop.low > DECIDES:
            return "decides"
        if self.drop.value < DECIDES and self.drop.high < MOSTLY:
            return "has evidence but no effect on the score"
        return f"{self.drop.count} pictures do not show whether it decides"

    def percent(self) -> str:
        """Return the share with its interval."""
        return "{:.0f} % [{:.0f}, {:.0f}]".format(*(100 * end for end in attrs.astuple(self.share)[:3]))

    def falls(self) -> str:
        """Return what hiding it costs, with its interval."""
        ends = [round(end, 2) + 0.0 for end in attrs.astuple(self.drop)[:3]] if self.drop else []
        return "{:.2f} [{:.2f}, {:.2f}]".format(*ends) if ends else ""

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        found = {**attrs.asdict(self, filter=lambda field, _: field.name != "shares"), "share": self.share}
        found |= {"times": self.times, "times_random": self.times_random}
        return {**found, "verdict": self.verdict if self.found else ""}

    def __str__(self) -> str:
        """Return it as a sentence."""
        told = [
            f"{self.explained}, {self.place}: {self.percent()} of the evidence, {self.times:.1f} × uniform"
        ]
        if self.random == self.random:
            told.append(f"{self.times_random:.1f} × a randomised model")
        if self.others == self.others:
            told.append(f"{self.others:.0%} in other classes")
        told.append(f"chance {self.chance:.2g}, {len(self.shares)} pictures")
        if self.drop:
            told.append(f"hidden, the probability falls by {self.falls()}")
        return f"{', '.join(told)}: {self.verdict} ({TOLD[self.told]})"


def needed(classes: int) -> int:
    """Return how many pictures a class must have so that a place can be shown among so many classes."""
    return math.ceil(math.log2(max(classes, 1) / LEVEL))


def judged(classes: Sequence[str]) -> tuple[list[str], int]:
    """Return the classes that have enough pictures, and how many that is."""
    names = dict.fromkeys(classes)
    least = needed(sum(classes.count(name) >= needed(1) for name in names))
    return [name for name in names if classes.count(name) >= least], least


@attrs.frozen(eq=False)
class Table:
    """What n maps have at P places."""

    shares: np.ndarray  # (n, P) of each map's evidence, 0 to 1; NaN for blank maps
    even: np.ndarray  # (n, P) of a uniform map's
    random: np.ndarray  # (n, P) of the randomised model's maps; NaN where there is none
    beside: np.ndarray  # (n, P) of each map's evidence right around the place, times a uniform map's
    counted: np.ndarray  # (n, SIDE²) shares of the evidence that counts: not on an object
    marked: np.ndarray  # (n,) bool, whether somebody said where the object is

    @classmethod
    def of(cls, maps: Any, randomised: Any = None, masks: Sequence[Any] | None = None) -> Table:
        """Return the table of maps; arguments as in `stand_out`."""
        from scipy.ndimage import maximum_filter

        masks = masks or [None] * len(maps)
        flat, free = _flat(maps), np.ones((len(maps), SIDE**2))
        marked = np.array([mask is not None for mask in masks])
        for row, mask in zip(free, masks, strict=True):
            if mask is not None:
                row[:] = ~maximum_filter(summed(np.asarray(mask, np.float64)) > 0, NEAR).ravel()
        wanted = np.array([cells(name).ravel() for name in PLACES], np.float64).T
        shares, even = (flat * free) @ wanted, free @ wanted / SIDE**2
        random = np.full_like(shares, np.nan) if randomised is None else (_flat(randomised) * free) @ wanted
        rings = np.array([(around(name) & ~cells(name)).ravel() for name in PLACES], np.float64).T
        beside = (flat * free) @ rings / np.maximum(free @ rings / SIDE**2, 1 / SIDE**2)
        return cls(shares, even, random, beside, flat * free, marked)

    def counts(self, labels: np.ndarray) -> np.ndarray:
        """Return (n,) bool: the map is not blank, and the object is marked where others of its class are."""
        marked = np.isin(labels, labels[self.marked])
        return ~np.isnan(self.shares[:, 0]) & (self.marked | ~marked)


def stand_out(
    maps: Any, classes: Sequence[str], randomised: Any = None, masks: Sequence[Any] | None = None
) -> list[Finding]:
    """Return every class that has enough pictures at every place, and which of them are findings.

    The null: a class's evidence is on a place as often more as less than on a uniform map, or than what the
    randomised model surely has there.  It is tested by sign flips over the pictures, the maximum over the
    places (Westfall and Young 1993), times the classes.  A place inside, where objects are, is held against
    the place on the other side too, unless objects are marked.

    Args:
        maps: (n, H, W) evidence, not below 0; blank maps do not count.
        classes: the class of each.
        randomised: (n, H, W) maps of the randomised model, blank ones allowed, or None.
        masks: (H, W) of each picture, above 0 on the object, or None for an unmarked picture.  Evidence
            on and near the object does not count; of a class with marks its marked pictures count.

    Returns:
        For each judged class every place, in the order of `PLACES`.
    """
    return judge(Table.of(maps, randomised, masks), classes)


def judge(table: Table, classes: Sequence[str]) -> list[Finding]:
    """Return every judged class at every place; see `stand_out`."""
    labels = np.array(classes)
    own, artefact = table.counts(labels), _surely(table)
    names, _ = judged(labels[own].tolist())
    found: list[Finding] = []
    for name in names:
        rows, others = own & (labels == name), own & (labels != name)
        shares, even = table.shares[rows], table.even[rows]
        there, mean, uniform = shares > even, shares.mean(axis=0), even.mean(axis=0)
        told = "boxes" if table.marked[rows].any() else "spread"
        inner = INNER if told == "spread" else ()
        chance = _chance(shares, np.fmax(even, artefact), len(names), inner)
        steady, spread = there.mean(axis=0), _spread(table.counted[rows], there)
        clear = (
            (mean >= uniform * np.maximum(LEAST, PEAK * table.beside[rows].mean(axis=0)))
            & (mean >= LEAST * np.nan_to_num(artefact))
            & (chance <= LEVEL)
            & (steady >= MOST)
            & (spread <= np.where([place.endswith("edge") for place in PLACES], LONG, SPOT))
        )
        tells = (mean - uniform) / np.maximum(uniform, 1e-12) ** 0.5  # what is beyond uniform, for the size
        kept: list[str] = []
        for p in sorted(np.flatnonzero(clear), key=lambda p: -tells[p]):
            if all(apart(PLACES[p], other) for other in kept):
                kept.append(PLACES[p])
        found += [
            Finding(
                name, place, shares[:, p], float(uniform[p]), _mean(table.random[rows, p]),
                _mean(table.shares[others, p]), float(chance[p]), float(steady[p]), float(spread[p]), told,
                place in kept,
            )
            for p, place in enumerate(PLACES)
        ]  # fmt: skip
    return found


def _flat(maps: Any) -> np.ndarray:
    """Return (n, SIDE²) maps that add up to 1; NaN for blank ones."""
    flat = summed(np.asarray(maps, np.float64)).reshape(len(maps), -1)
    total = flat.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, flat / np.where(total > 0, total, 1), np.nan))


def _chance(shares: np.ndarray, least: np.ndarray, classes: int, within: Sequence[str]) -> np.ndarray:
    """Return (P,) chances, corrected for places and classes; NaN for places that are not judged.

    Objects may lie `within` these places, and nobody marked them.
    """
    other = [PLACES.index(mirrored(name)) for name in PLACES]
    inner = [PLACES.index(name) for name in within]
    least = least.copy()
    least[:, inner] = np.maximum(least, shares[:, other])[:, inner]
    more, chance = shares - least, np.full(len(PLACES), np.nan)
    error = more.std(axis=0, ddof=1) / len(more) ** 0.5
    own = [p for p in range(len(PLACES)) if p not in inner or other[p] != p]
    own = [p for p in own if more[:, p].mean() > SURELY_LESS * error[p]]  # the others only hide what there is
    if own:
        most = max(FLIPS, 2 * math.ceil(classes / LEVEL))  # or no chance could be small enough
        flips = signs(len(more), most, most) @ more[:, own] / len(more)
        chance[own] = np.minimum(classes * chances(flips, together=True), 1.0)
    return chance


def _spread(counted: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return (P,) how far the evidence at a place moves, over the pictures that have some there."""
    found = np.full(len(PLACES), np.inf)
    weights, at = counted**2, np.indices((SIDE, SIDE)).reshape(2, -1).T / SIDE  # the square: its strong part
    for p, name in enumerate(PLACES):
        if name == BORDER:  # it has no spot
            found[p] = 0.0
            continue
        inside = weights[there[:, p]] * around(name).ravel()
        if len(inside) > 1:
            centres = inside @ at / np.maximum(inside.sum(axis=1, keepdims=True), 1e-300)
            found[p] = np.median(np.linalg.norm(centres - np.median(centres, axis=0), axis=1))
    return found


def _surely(table: Table) -> np.ndarray:
    """Return (P,) what the randomised model surely has on all pictures, a blank map counting as uniform."""
    blank = np.isnan(table.random)
    if len(blank) < 2 or blank.all():
        return np.full(len(PLACES), np.nan)
    random = np.where(blank, table.even, table.random)
    return np.asarray(random.mean(axis=0) + SURELY_LESS * random.std(axis=0, ddof=1) / len(random) ** 0.5)


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
