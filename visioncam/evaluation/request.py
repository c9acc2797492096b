"""The request of an evaluation: which metrics, and how long one may wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import attrs

from visioncam.evaluation.budget import Budget
from visioncam_core.errors import OptionTypeError
from visioncam_core.options.fields import describe_options
from visioncam_core.pipeline.apply import Method
from visioncam_core.plugins.calls import OWN_CODE
from visioncam_core.plugins.default import registry
from visioncam_core.text import normalise

PLAIN = ("deletion", "insertion", "averagedrop", "averagegain", "adcc", "sparseness", "randomisation")
PLACED = ("pointinggame", "energypointinggame")


@attrs.frozen(eq=False)
class Measure:
    """A metric with its row."""

    name: str  # canonical
    title: str  # for people
    better: str  # "higher", "lower" or "neither"
    metric: Any
    source: str = "visioncam"  # the distribution it comes from

    @property
    def needs(self) -> frozenset[str]:
        """What it needs."""
        return frozenset(self.metric.needs)


Named = TypeVar("Named", Method, Measure)


def told_apart(several: Iterable[Named], taken: Iterable[str] = ()) -> Iterator[Named]:
    """Yield methods or metrics, each with a name of its own, none of `taken`: "pow", then "pow2"."""
    known: set[str] = set(map(normalise, taken))
    for one in several:
        last = next(
            n for n in ("", *map(str, range(2, len(known) + 3))) if normalise(one.name + n) not in known
        )
        known.add(normalise(one.name + last))
        yield attrs.evolve(one, name=one.name + last, title=f"{one.title} {last}".rstrip())


def measures(metrics: str | Sequence[Any], budget: Budget, *, placed: bool) -> list[Measure]:
    """Return the requested metrics.

    Args:
        metrics: "default", "all", or names and metric objects.
        budget: its steps go to each metric named that has the option `steps`.
        placed: whether it is known where the objects are.
    """
    rows = registry()
    names: Sequence[Any]
    if isinstance(metrics, str) and metrics == "default":
        names = [*PLAIN, *(PLACED if placed else ())]
    elif isinstance(metrics, str) and metrics == "all":
        names = [row.name for row in rows.metrics() if placed or "truth" not in row.cls.needs]  # type: ignore[attr-defined]
    else:
        names = [metrics] if not isinstance(metrics, list | tuple) else metrics
    if not names:
        raise OptionTypeError(
            "metrics is an empty list; pass 'default', 'all', or names of visioncam.metrics()"
        )
    found = []
    for name in names:
        options = {}
        if isinstance(name, str):
            has = {info.name for info in describe_options(rows.metric(name).cls)}
            options = {"steps": budget.steps} if "steps" in has else {}
        row, metric = rows.make_metric(name, options)
        if row is not None:
            found.append(Measure(row.name, row.title, row.better, metric, row.distribution))
        else:
            title = type(metric).__name__
            found.append(Measure(title.lower(), title, "neither", metric, OWN_CODE))
    return list(told_apart(found))
