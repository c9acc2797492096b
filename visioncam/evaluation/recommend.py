"""`visioncam.recommend`: which method and layer to use on these pictures, how sure, at what cost, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.evaluation.evaluate import evaluate
from visioncam.evaluation.evaluation import Evaluation
from visioncam_core.errors import OptionError
from visioncam_core.metrics.chance import LEVEL, chances, enough, fewest, signs
from visioncam_core.metrics.result import MetricResult
from visioncam_core.results.agreement import ranks

EVIDENCE = ("deletion", "insertion", "averagegain")
PLACE = "energypointinggame"
DOUBT = "random"
NO_DIFFERENCE = "no difference that the data shows"


@attrs.frozen(eq=False)
class Recommendation:
    """What to use.

    Attributes:
        method: canonical name, or None where no method beats a random map.
        layer: its path, or None.
        sure: "the data show it", "no difference that the data shows" or "no method beats a random map".
        equals: (method, layer) of those that the data do not distinguish from it.
        passes: through the model for a map, beyond the forward and backward pass that all share.
        seconds: for a map.
        why: two sentences.
        evaluation: the numbers behind it.
    """

    method: str | None
    layer: str | None
    sure: str
    equals: tuple[tuple[str, str], ...]
    passes: float
    seconds: float
    why: str
    evaluation: Evaluation = attrs.field(repr=False)

    def __str__(self) -> str:
        """Return it in words."""
        head = "none" if self.method is None else f"{self.method} at {self.layer}"
        sure = f"{head} ({self.sure}; {self.passes:.0f} extra passes, {self.seconds:.3f} s a map)"
        return "\n".join([sure, self.why, *self.evaluation.notes])


def recommend(
    model: Any,
    images: Any,
    methods: str | Sequence[str | object] | None = None,
    *,
    method: str | object | None = None,
    layers: Sequence[Any] | None = None,
    truth: Any = None,
    **keywords: Any,
) -> Recommendation:
    """Return the method and layer with the best evidence on these pictures.

    Measured are deletion, insertion and average gain, and the energy pointing game where `truth` is
    given.  On each picture and metric the candidates are ranked; the best mean rank wins.  A candidate whose
    mean rank is not surely better than that of a random map is out: where all are noise, one is let in at
    most 2.5 times in a hundred.  Those that the pictures do not tell from the best count as equal, and of
    equals the cheapest is named.  Tests are exact sign flips over the pictures, corrected for all that are
    compared by the step-down maximum (Westfall and Young); nine unlike candidates need nine pictures.

    Args:
        model: a PyTorch module or a built Keras model; it is not changed.
        images: a list of pictures, at least two; the more, the surer.
        methods: as in `evaluate`.
        method: as in `evaluate`.
        layers: as in `evaluate`.
        truth: as in `evaluate`.
        **keywords: other keywords of `evaluate`, but `metrics`.

    Raises:
        OptionError: `metrics` is given, or there are fewer than two pictures.
    """
    if "metrics" in keywords:
        raise OptionError("recommend chooses its metrics itself; for others use visioncam.evaluate")
    metrics = [*EVIDENCE, *([PLACE] if truth is not None else [])]
    found = evaluate(
        model, images, methods, method=method, layers=layers, metrics=metrics, truth=truth, **keywords
    )
    return recommendation_of(found)


def recommendation_of(evaluation: Evaluation) -> Recommendation:
    """Return the recommendation that an evaluation's numbers give."""
    count = len(evaluation.sources)
    if count < 2:
        raise OptionError(f"a recommendation needs at least two pictures, received {count}; pass more")
    metrics = [name for name in (*EVIDENCE, PLACE) if name in evaluation.metrics]
    if not metrics:
        raise OptionError(
            f"a recommendation goes by {_join((*EVIDENCE, PLACE))}, and of these none was measured; "
            f"measured: {', '.join(evaluation.metrics)}"
        )
    candidates = [
        (one.name, at.layer) for at in evaluation.layers for one in at.subjects if one.kind == "method"
    ]
    gains = _gains(evaluation, candidates, metrics)
    beats = _chances(gains) <= LEVEL
    if not beats.any():
        few = fewest(len(candidates))
        seldom = f", which fewer than {few} pictures seldom show of {len(candidates)} candidates"
        why = (
            f"On {count} pictures no method was surely better than a random map over "
            f"{_join(metrics)}{seldom if count < few else ''}; {_more(gains, len(gains), min)}. "
            "Believe none of the maps before you have looked at more pictures or another layer."
        )
        return Recommendation(None, None, "no method beats a random map", (), 0.0, 0.0, why, evaluation)
    places = _places(evaluation, candidates, metrics)
    means = np.array([float(np.nanmean(row)) for row in places])
    best = int(np.where(beats, means, np.inf).argmin())
    behind = np.stack(places) - places[best]
    worse = _chances(behind) <= LEVEL / 2  # half: of two alike either may come first by luck
    equal = [i for i in range(len(candidates)) if not worse[i]]
    more = _more(behind[[i for i in equal if i != best]], 2 * len(candidates), max)
    costs = {(name, at.layer): cost for at in evaluation.layers for name, cost in at.costs.items()}
    chosen = min((i for i in equal if beats[i]), key=lambda i: (costs[candidates[i]].passes, means[i]))
    (method, layer), cost = candidates[chosen], costs[candidates[chosen]]
    sure = "the data show it" if len(equal) == 1 else NO_DIFFERENCE
    return Recommendation(
        method, layer, sure, tuple(candidates[i] for i in equal if i != chosen), cost.passes, cost.seconds,
        _why(evaluation, metrics, candidates, means, equal, chosen, more), evaluation,
    )  # fmt: skip


def _why(
    evaluation: Evaluation,
    metrics: Sequence[str],
    candidates: Sequence[tuple[str, str]],
    means: np.ndarray,
    equal: Sequence[int],
    chosen: int,
    more: str,
) -> str:
    count, (method, layer) = len(evaluation.sources), candidates[chosen]
    rank = (
        f"{method} at {layer} has a mean rank of {means[chosen] + 1:.1f} among {len(candidates)} candidates"
    )
    first = f"Over {count} pictures and {_join(metrics)}, {rank}."
    if len(equal) == 1:
        return f"{first} Every other candidate is surely worse."
    others = _join([f"{candidates[i][0]} at {candidates[i][1]}" for i in equal if i != chosen])
    cheapest = "and none that surely beats a random map needs fewer passes"
    return f"{first} There is {NO_DIFFERENCE} to {others}, {cheapest}; {more}."


def _gains(
    evaluation: Evaluation, candidates: Sequence[tuple[str, str]], metrics: Sequence[str]
) -> np.ndarray:
    """Return (candidates, pictures): by how many ranks each is before a random map at its layer."""
    noise = [(DOUBT, layer) for layer in dict.fromkeys(layer for _, layer in candidates)]
    everyone = [*candidates, *noise]
    places = dict(zip(everyone, _places(evaluation, everyone, metrics), strict=True))
    return np.stack([places[DOUBT, one[1]] - places[one] for one in candidates])


def _chances(gains: np.ndarray) -> np.ndarray:
    """Return (m,) how often chance alone gains as much in any of (m, pictures): ranks, all in one unit."""
    return chances(signs(gains.shape[1]) @ np.nan_to_num(gains).T, together=True, scaled=False)


def _more(gains: np.ndarray, compared: int, which: Callable[..., int]) -> str:
    """Return in words how many more pictures would show (m, pictures) of differences: the first, or all."""
    unlike = [row[np.isfinite(row)] for row in gains if np.nan_to_num(row).any()]
    if not unlike:
        return "they differ on no picture, and more would not part them"
    more = [needed - len(row) for row in unlike if (needed := enough(row, compared)) is not None]
    if not more or (which is max and len(more) < len(unlike)):
        return "from these it cannot be said that more would settle it"
    count = max(which(more), 1)
    return f"about {count} more picture{'s' * (count > 1)} would settle it, were they like these"


def _places(
    evaluation: Evaluation, candidates: Sequence[tuple[str, str]], metrics: Sequence[str]
) -> list[np.ndarray]:
    """Return each candidate's mean rank over the metrics on each picture, 0 the best, NaN without any."""
    table = []
    for metric in metrics:
        results = [evaluation.result(method, metric, layer) for method, layer in candidates]
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
