"""`visioncam.recommend`: which method and layer to use on these pictures, how sure, at what cost, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from visioncam.evaluation.evaluate import evaluate
from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.verdict import EVIDENCE, PLACE, Verdict, verdict
from visioncam_core.errors import OptionError


@attrs.frozen(eq=False)
class Recommendation(Verdict):
    """What to use: a `Verdict` with the numbers behind it.

    Attributes:
        evaluation: the numbers.
    """

    evaluation: Evaluation = attrs.field(repr=False)

    def __str__(self) -> str:
        """Return it in words."""
        cost = [f"{self.passes:.0f} extra passes, {self.seconds:.3f} s a map"] if self.method else []
        return "\n".join([Verdict.__str__(self), self.why, *cost, *self.evaluation.notes])


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
    mean rank is not significantly better than that of a random map is out: if all are noise, one is let in at
    most 2.5 times in a hundred.  Those that the pictures cannot distinguish from the best count as equal, and
    of equals the cheapest is named.  Tests are exact sign flips over the pictures, corrected for all that are
    compared by the step-down maximum (Westfall and Young); nine different candidates need nine pictures.  If
    the model gives the same answer for every picture and for noise, or every map is flat, none is named.

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
    """Return the recommendation that an evaluation's numbers give.

    Raises:
        OptionError: as `verdict`.
    """
    found = verdict(evaluation.layers)
    return Recommendation(**attrs.asdict(found, recurse=False), evaluation=evaluation)
