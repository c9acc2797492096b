"""What the numbers say: which method and layer to use, how sure that is, or why none is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs
import numpy as np

from visioncam.evaluation.measure import AtLayer
from visioncam_core.errors import OptionError
from visioncam_core.metrics.chance import LEVEL, chances, enough, fewest, signs
from visioncam_core.metrics.result import MetricResult
from visioncam_core.results.agreement import ranks

EVIDENCE = ("deletion", "insertion", "averagegain")
PLACE = "energypointinggame"
DOUBT = "random"
SURE = "the data show it"
NO_DIFFERENCE = "no significant difference"
NO_BETTER = "no method beats a random map"
TOO_FEW = "too few pictures to tell"
NOTHING = "no conclusion can be drawn"
Candidates = Sequence[tuple[str, str]]
Numbers = Mapping[tuple[str, str, str], MetricResult]
"""By method, metric and layer; candidates are methods at layers."""


@attrs.frozen(eq=False)
class Verdict:
    """What to use.

    Attributes:
        method: canonical name, or None where none is named.
        layer: its path, or None.
        sure: "the data show it", "no significant difference", "no method beats a random map",
            "too few pictures to tell", or "no conclusion can be drawn" from a model that gives the
            same answer for every picture, or from flat maps.
        equals: (method, layer) of those that the data do not distinguish from it.
        passes: through the model for a map, beyond the forward and backward pass that all share.
        seconds: for a map.
        why: two sentences.
    """

    method: str | None
    layer: str | None
    sure: str
    equals: tuple[tuple[str, str], ...]
    passes: float
    seconds: float
    why: str

    def __str__(self) -> str:
        """Return it in one line."""
        if self.method is None:
            return f"{'No method is named' if self.sure == TOO_FEW else 'Use none of the maps'}: {self.sure}"
        others = f" from {len(self.equals)} other{'s' * (len(self.equals) > 1)}" if self.equals else ""
        best = ";" if others else ", and the best:"
        better = f"significantly better than a random map{best} {self.sure}{others}"
        return f"Use {self.method} at {self.layer}: {better}"


def verdict(layers: Sequence[AtLayer]) -> Verdict:
    """Return what was measured at these layers says, by the rules of `visioncam.recommend`.

    Raises:
        OptionError: there are fewer than two pictures, or none of the metrics it goes by was measured.
    """
    count = len(layers[0].labels)
    if count < 2:
        raise OptionError(f"a recommendation needs at least two pictures, received {count}; pass more")
    if void := next((at.void for at in layers if at.void), ""):
        return Verdict(None, None, NOTHING, (), 0.0, 0.0, f"{void[0].upper()}{void[1:]}.")
    found = {(one.method, one.metric, at.layer): one for at in layers for one in at.results}
    measured = list(dict.fromkeys(metric for _, metric, _ in found))
    metrics = [name for name in (*EVIDENCE, PLACE) if name in measured]
    if not metrics:
        raise OptionError(
            f"a recommendation is based on {_join((*EVIDENCE, PLACE))}, and none of these was measured; "
            f"measured: {', '.join(measured)}"
        )
    candidates = [
        (one.name, at.layer)
        for at in layers
        for one in at.subjects
        if one.kind == "method" and one.name not in at.flat
    ]
    known = [one for one in candidates if any(found[one[0], m, one[1]].counted.any() for m in metrics)]
    if candidates and not known:
        why = f"No method has a number for {_join(metrics)} on any picture. Choose another layer or method."
        return Verdict(None, None, NOTHING, (), 0.0, 0.0, why)
    if not candidates:
        why = "Every map of every method is flat. Choose another layer or method."
        return Verdict(None, None, NOTHING, (), 0.0, 0.0, why)
    gains = _gains(found, candidates, metrics)
    beats = _chances(gains) <= LEVEL
    if not beats.any():
        few, kinds = fewest(len(candidates)), len(candidates)
        short = (
            f"; of {kinds} candidate{'s' * (kinds > 1)}, fewer than {few} pictures seldom show one that is"
        )
        why = (
            f"On {count} pictures no method was significantly better than a random map over {_join(metrics)}"
            f"{short if count < few else ''}; {_more(gains, len(gains), min)}. "
            "Trust none of the maps until you have tried more pictures or another layer."
        )
        return Verdict(None, None, TOO_FEW if count < few else NO_BETTER, (), 0.0, 0.0, why)
    places = _places(found, candidates, metrics)
    means = np.array([float(np.nanmean(row)) for row in places])
    best = int(np.where(beats, means, np.inf).argmin())
    behind = np.stack(places) - places[best]
    worse = _chances(behind) <= LEVEL / 2  # half: of two alike either may come first by luck
    equal = [i for i in range(len(candidates)) if not worse[i]]
    more = _more(behind[[i for i in equal if i != best]], 2 * len(candidates), max)
    costs = {(name, at.layer): cost for at in layers for name, cost in at.costs.items()}
    chosen = min((i for i in equal if beats[i]), key=lambda i: (costs[candidates[i]].passes, means[i]))
    (method, layer), cost = candidates[chosen], costs[candidates[chosen]]
    return Verdict(
        method, layer, SURE if len(equal) == 1 else NO_DIFFERENCE,
        tuple(candidates[i] for i in equal if i != chosen), cost.passes, cost.seconds,
        _why(count, metrics, candidates, means, equal, chosen, more),
    )  # fmt: skip


def _why(
    count: int,
    metrics: Sequence[str],
    candidates: Candidates,
    means: np.ndarray,
    equal: Sequence[int],
    chosen: int,
    more: str,
) -> str:
    method, layer = candidates[chosen]
    rank = (
        f"{method} at {layer} has a mean rank of {means[chosen] + 1:.1f} among {len(candidates)} "
        f"candidate{'s' * (len(candidates) != 1)}"
    )
    first = f"Over {count} pictures and {_join(metrics)}, {rank}."
    if len(candidates) == 1:
        return f"{first} It is the only one."
    if len(equal) == 1:
        return f"{first} Every other candidate is significantly worse."
    where = "" if len({at for _, at in candidates}) == 1 else " at {}"
    others = _join([candidates[i][0] + where.format(candidates[i][1]) for i in equal if i != chosen])
    cheapest = "and none that significantly beats a random map needs fewer passes"
    return f"{first} There is {NO_DIFFERENCE} from {others}, {cheapest}; {more}."


def _gains(found: Numbers, candidates: Candidates, metrics: Sequence[str]) -> np.ndarray:
    """Return (candidates, pictures): by how many ranks each is before a random map at its layer."""
    noise = [(DOUBT, layer) for layer in dict.fromkeys(layer for _, layer in candidates)]
    everyone = [*candidates, *noise]
    places = dict(zip(everyone, _places(found, everyone, metrics), strict=True))
    return np.stack([places[DOUBT, one[1]] - places[one] for one in candidates])


def _chances(gains: np.ndarray) -> np.ndarray:
    """Return (m,) how often chance alone gains as much in any of (m, pictures): ranks, all in one unit."""
    return chances(signs(gains.shape[1]) @ np.nan_to_num(gains).T, together=True, scaled=False)


def _more(gains: np.ndarray, compared: int, which: Callable[..., int]) -> str:
    """Return in words how many more pictures would show (m, pictures) of differences: the first, or all."""
    unlike = [row[np.isfinite(row)] for row in gains if np.nan_to_num(row).any()]
    if not unlike:
        return "they are alike on every picture, and more would not tell them apart"
    more = [needed - len(row) for row in unlike if (needed := enough(row, compared)) is not None]
    if not more or (which is max and len(more) < len(unlike)):
        return "these do not show whether more would settle it"
    count = max(which(more), 1)
    return f"about {count} more picture{'s' * (count > 1)} would settle it if they are like these"


def _places(found: Numbers, candidates: Candidates, metrics: Sequence[str]) -> list[np.ndarray]:
    """Return each candidate's mean rank over the metrics on each picture, 0 the best, NaN without any."""
    table = []
    for metric in metrics:
        results = [found[method, metric, layer] for method, layer in candidates]
        table.append(np.stack([_signed(result) for result in results]))
    values = np.stack(table)  # metrics, candidates, pictures; the larger the better
    placed = np.full(values.shape, np.nan)
    for m, p in np.ndindex(len(metrics), values.shape[2]):
        column = np.nan_to_num(-np.round(values[m, :, p], 6), nan=np.inf)  # without an answer: last
        if np.isfinite(column).any():
            placed[m, :, p] = ranks(column)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(placed).any(axis=0)
        mean = np.where(
            known, np.nansum(placed, axis=0) / np.maximum(np.isfinite(placed).sum(axis=0), 1), np.nan
        )
    return list(mean)


def _signed(result: MetricResult) -> np.ndarray:
    return -result.values if result.better == "lower" else result.values


def _join(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]
