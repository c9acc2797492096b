"""`visioncam.recommend`: which method and layer to use on these pictures, how sure, at what cost, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from visioncam.evaluation.evaluate import evaluate
from visioncam.evaluation.evaluation import Evaluation
from visioncam_core.errors import OptionError
from visioncam_core.metrics.bootstrap import FEWEST, interval
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
    given.  On each picture and metric the candidates are ranked; the best mean rank wins.  Those that a
    paired bootstrap over the pictures does not tell from it count as equal, and of equals the cheapest is
    named.  A candidate whose mean rank is no better than that of a random map is out; fewer than six pictures
    can show no difference.

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
    able = _able(evaluation, candidates, metrics)
    if not able:
        few = f", which fewer than {FEWEST} pictures cannot show" if count < FEWEST else ""
        why = (
            f"On {count} pictures no method was surely better than a random map over "
            f"{_join(metrics)}{few}. "
            "Believe none of the maps before you have looked at more pictures or another layer."
        )
        return Recommendation(None, None, "no method beats a random map", (), 0.0, 0.0, why, evaluation)
    places = _places(evaluation, able, metrics)
    means = np.array([float(np.nanmean(row)) for row in places])
    best = int(means.argmin())
    equal = [i for i in range(len(able)) if i == best or not _worse(places[i], places[best])]
    costs = {(name, at.layer): cost for at in evaluation.layers for name, cost in at.costs.items()}
    chosen = min(equal, key=lambda i: (costs[able[i]].passes, means[i]))
    (method, layer), cost = able[chosen], costs[able[chosen]]
    sure = "the data show it" if len(equal) == 1 else NO_DIFFERENCE
    return Recommendation(
        method, layer, sure, tuple(able[i] for i in equal if i != chosen), cost.passes, cost.seconds,
        _why(evaluation, metrics, able, means, equal, chosen), evaluation,
    )  # fmt: skip


def _why(
    evaluation: Evaluation,
    metrics: Sequence[str],
    able: Sequence[tuple[str, str]],
    means: np.ndarray,
    equal: Sequence[int],
    chosen: int,
) -> str:
    count, (method, layer) = len(evaluation.sources), able[chosen]
    rank = f"{method} at {layer} has a mean rank of {means[chosen] + 1:.1f} among {len(able)} candidates"
    first = f"Over {count} pictures and {_join(metrics)}, {rank}."
    if len(equal) == 1:
        return f"{first} Every other candidate is surely worse in a paired bootstrap over the pictures."
    others = _join([f"{able[i][0]} at {able[i][1]}" for i in equal if i != chosen])
    return f"{first} There is {NO_DIFFERENCE} to {others}, and none of these needs fewer passes."


def _able(
    evaluation: Evaluation, candidates: Sequence[tuple[str, str]], metrics: Sequence[str]
) -> list[tuple[str, str]]:
    """Return those whose mean rank is surely better than that of a random map at their layer.

    One comparison each, over all metrics: of four, one for each metric, one would often say so by chance.
    """
    noise = [(DOUBT, layer) for layer in dict.fromkeys(layer for _, layer in candidates)]
    everyone = [*candidates, *noise]
    places = dict(zip(everyone, _places(evaluation, everyone, metrics), strict=True))
    return [one for one in candidates if _worse(places[DOUBT, one[1]], places[one])]


def _places(
    evaluation: Evaluation, able: Sequence[tuple[str, str]], metrics: Sequence[str]
) -> list[np.ndarray]:
    """Return each candidate's mean rank over the metrics on each picture, 0 the best, NaN without any."""
    table = []
    for metric in metrics:
        results = [evaluation.result(method, metric, layer) for method, layer in able]
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


def _worse(one: np.ndarray, best: np.ndarray) -> bool:
    both = np.isfinite(one) & np.isfinite(best)
    return interval(one[both] - best[both]).sign > 0


def _join(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]
