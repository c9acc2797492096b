"""The result of an evaluation: a table whose numbers carry intervals, costs, and what they do not beat."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from visioncam.evaluation.conditions import violations
from visioncam.evaluation.measure import AtLayer, Cost
from visioncam.evaluation.subjects import Subject
from visioncam.evaluation.table import details, grids, plain_row, save, table, wrapped
from visioncam.evaluation.verdict import verdict
from visioncam_core.errors import NameNotFoundError, OptionError
from visioncam_core.metrics.chance import LEVEL, chances
from visioncam_core.metrics.intervals import Interval
from visioncam_core.metrics.result import MetricResult, comparable, flipped
from visioncam_core.results.formats.tables import latex, markdown
from visioncam_core.text import normalise, not_found
from visioncam_metrics.faithfulness.averagedrop import win


@attrs.define(eq=False, slots=False)
class Evaluation:
    """Metrics of several methods and controls over the same pictures.

    Attributes:
        model: its name.
        layers: what was measured at each layer.
        sources: name of each picture.
        notes: what could not be measured, and why.
        provenance: versions, seed and settings.
        force: whether results computed differently may share a table.
    """

    model: str
    layers: tuple[AtLayer, ...] = attrs.field(repr=False)
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: dict[str, Any] = attrs.field(repr=False)
    force: bool = False

    def __attrs_post_init__(self) -> None:
        """Refuse results that were computed in different ways, unless forced."""
        comparable(self.results, force=self.force)

    @property
    def results(self) -> tuple[MetricResult, ...]:
        """Every result, layer by layer."""
        return tuple(result for at in self.layers for result in at.results)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of the metrics, in the order requested."""
        return tuple(dict.fromkeys(result.metric for result in self.results))

    def result(self, method: str, metric: str, layer: str | None = None) -> MetricResult:
        """Return one result.

        Args:
            method: of a method or control, such as "gradcam", "random" or "gradcam@randomised".
            metric: its name.
            layer: path; the first layer by default.

        Raises:
            NameNotFoundError: no such method, metric or layer here.
        """
        paths = [at.layer for at in self.layers]
        if layer is not None and layer not in paths:
            raise not_found("layer", layer, paths)
        at = self.layers[0 if layer is None else paths.index(layer)]
        for result in at.results:
            if normalise(result.method) == normalise(method) and result.metric == normalise(metric):
                return result
        known = [one.name for one in at.subjects]
        for kind, name, names in ("method", method, known), ("metric", metric, self.metrics):
            if normalise(name) not in map(normalise, names):
                raise not_found(kind, name, list(names))
        raise NameNotFoundError(f"{method!r} has no result for {metric!r} here")

    @property
    def decides(self) -> str | None:
        """The metric that decides: the first that has a better end; the others are only shown."""
        return next((one.metric for one in self.results if one.better != "neither"), None)

    def unbeaten(self, result: MetricResult) -> tuple[str, ...]:
        """Return the controls a method does not significantly beat, by an exact sign-flip test at 2.5 %.

        On the metric that decides, each control's 2.5 % hold for all methods and layers together (step-down
        maximum over common flips); on the others for each method by itself.  Empty for a descriptive metric,
        and for anything that is not a method.
        """
        return self._unbeaten.get((result.layer, result.method, result.metric), ())

    @cached_property
    def _unbeaten(self) -> dict[tuple[str, str, str], tuple[str, ...]]:
        found: dict[tuple[str, str, str], tuple[str, ...]] = {}
        rivals: dict[tuple[str, str], list[tuple[MetricResult, MetricResult]]] = {}
        for at in self.layers:
            by_key = {(one.method, one.metric): one for one in at.results if one.counted.any()}
            for one, metric in product(at.subjects, self.metrics):
                mine = by_key.get((one.name, metric))
                if one.kind != "method" or mine is None or mine.better == "neither":
                    continue
                found[at.layer, one.name, metric] = ()
                for rival in at.subjects:
                    other = by_key.get((rival.name, metric))
                    if other is not None and (rival.kind == "control" or rival.of == one.name):
                        kind = rival.kind if rival.of else rival.name  # all randomised twins are one control
                        rivals.setdefault((metric, kind), []).append((mine, other))
        for (metric, _), pairs in rivals.items():
            table = np.stack([flipped(*pair) for pair in pairs], axis=1)
            for (mine, other), chance in zip(
                pairs, chances(table, together=metric == self.decides), strict=True
            ):
                if chance > LEVEL:
                    found[mine.layer, mine.method, metric] += (other.method,)
        return found

    def wins(self, layer: str | None = None) -> dict[tuple[str, str], tuple[float, int]]:
        """Return for each pair of methods the share of pictures on which the first drops less, and the ties.

        Needs the metric "averagedrop"; of what was not measured there is nothing here.
        """
        at = self.layers[0] if layer is None else next(one for one in self.layers if one.layer == layer)
        drops = {
            one.method: one.values
            for one in at.results
            if one.metric == "averagedrop" and "@" not in one.method
        }
        return {(a, b): win(drops[a], drops[b]) for a in drops for b in drops if a != b}

    def rows(self) -> Iterator[tuple[AtLayer, Subject, Cost, MetricResult, Interval]]:
        """Yield each result with its layer, subject, cost and interval."""
        for at in self.layers:
            subjects = {one.name: one for one in at.subjects}
            for result in at.results:
                interval = self._intervals[result.layer, result.method, result.metric]
                yield at, subjects[result.method], at.costs[result.method], result, interval

    @cached_property
    def _intervals(self) -> dict[tuple[str, str, str], Interval]:
        return {(one.layer, one.method, one.metric): one.interval() for one in self.results}

    def records(self) -> list[dict[str, Any]]:
        """Return one plain record per result: number, interval, counts, costs, switches, controls."""
        return [
            {
                "layer": at.layer,
                "method": subject.name,
                "title": subject.title,
                "kind": subject.kind,
                "metric": result.metric,
                "metric_title": result.title,
                "better": result.better,
                "value": interval.value,
                "low": interval.low,
                "high": interval.high,
                "interval": interval.how,
                "pictures": interval.count,
                "flagged": result.flagged,
                "uniform": result.uniform,
                "no_better_than": list(self.unbeaten(result)),
                "corrected": result.metric == self.decides,
                "passes": result.passes,
                "seconds": result.seconds,
                "map_passes": cost.passes,
                "map_seconds": cost.seconds,
                "switches": attrs.asdict(result.switches),
                "options": result.options,
                "values": [float(value) for value in result.values],
                "curves": [None if one is None or one.ndim != 1 else one.tolist() for one in result.details],
                "flags": list(result.flags),
            }
            for at, subject, cost, result, interval in self.rows()
        ]

    def to_dataframe(self) -> Any:
        """Return the records as a pandas DataFrame with plain columns, one row per result.

        Raises:
            ModuleNotFoundError: pandas is not installed; `records()` needs nothing.
        """
        import pandas

        return pandas.DataFrame([plain_row(one) for one in self.records()])

    def to_markdown(self) -> str:
        """Return the tables of all layers in Markdown, one row per method or control, one mark per cell."""
        return "\n\n".join(markdown(*one) for one in grids(self.records()))

    def to_latex(self) -> str:
        """Return the same as LaTeX tabulars, which need `booktabs`."""
        return "\n\n".join(latex(*one) for one in grids(self.records()))

    def save(self, path: str | Path) -> Path:
        """Write everything to a `.json`, or the table to a `.csv` file; whole or not at all."""
        return save(document(self), Path(path))

    @property
    def doubts(self) -> tuple[str, ...]:
        """What makes the numbers worthless: the same answer for every picture, flat maps."""
        return tuple(dict.fromkeys(line for at in self.layers for line in at.doubts))

    @cached_property
    def verdict(self) -> tuple[str, str]:
        """Which method to use and how sure that is, in one line; and why, in two sentences."""
        try:
            found = verdict(self.layers)
        except OptionError as error:
            return "No method is named", str(error)
        return str(found), found.why

    def details(self) -> str:
        """Return every number with its interval and unbeaten controls, and what maps cost, as text."""
        return "\n".join(details(self.records()))

    def __str__(self) -> str:
        """Return doubts, the verdict and the table as text of at most 100 columns."""
        count = len(self.sources)
        first = [*self.doubts, f"{self.model}, {count} picture{'s' * (count != 1)}", *self.verdict]
        notes = ["intervals, unbeaten controls and costs: print(evaluation.details())", *self.notes]
        return "\n".join([*wrapped(first), "", *table(self.records(), count, notes)])

    def _repr_markdown_(self) -> str:
        return "\n\n".join([*self.doubts, *self.verdict, self.to_markdown()])

    def check(self, condition: str) -> list[str]:
        """Return in words where a condition such as "pointing_game < 0.6" holds, method by method.

        Args:
            condition: a metric's name, one of < <= > >=, and a number.

        Raises:
            OptionError: it cannot be read, or names a metric that was not measured.
        """
        return violations(self.records(), self.metrics, condition)


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything about an evaluation, for JSON."""
    return {
        "model": evaluation.model,
        "pictures": list(evaluation.sources),
        "explained": {at.layer: list(at.labels) for at in evaluation.layers},
        "doubts": list(evaluation.doubts),
        "verdict": list(evaluation.verdict),
        "notes": list(evaluation.notes),
        "provenance": evaluation.provenance,
        "results": evaluation.records(),
    }
