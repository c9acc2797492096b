"""An evaluation as sections of a report: verdict, table, curves with bands, rankings, the sanity check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.measure import AtLayer
from visioncam.evaluation.table import (
    Records,
    Row,
    blocks,
    by_layer,
    detail,
    heads_of,
    legend,
    rows_of,
    unanswered,
)
from visioncam.html_report.sections import Cell, Chart, Picture, Ranking, Section, Table
from visioncam_core.results.heat import heat
from visioncam_metrics.randomisation.randomisation import mean_known
from visioncam_viz.drawing.colour import SEQUENTIAL

CURVES = ("deletion", "insertion")
DRAWN = 3  # methods whose curves are drawn, next to that of the random map
BROAD = 126  # characters that a table has room for at 1,200 pixels


def sections(evaluation: Evaluation) -> list[Section]:
    """Return the sections, for `visioncam.report(..., sections=...)`: the verdict and the table first.

    Args:
        evaluation: what `visioncam.evaluate` returned.
    """
    records, count = evaluation.records(), len(evaluation.sources)
    verdict, why = evaluation.verdict
    told = [*evaluation.doubts, why, *evaluation.notes]
    trusted = "\n".join([*legend(records, count), *unanswered(records)])
    found = [
        Section(f"{verdict}.", "\n".join(told), leads=True),
        Section("Which map can be trusted", trusted, [*_tables(records), _details(records)], leads=True),
    ]
    for at in evaluation.layers:
        charts = [chart for metric in CURVES if (chart := _curves(at, metric)) is not None]
        if charts:
            text = "Mean over the pictures; the band is one standard error up and down."
            text = text if count > 1 else "Of one picture."
            found.append(Section(f"Curves at {at.layer}", text, charts, leads=True))
        if ranked := rankings(evaluation, at):
            text = "Numbers with their intervals, the best first; methods in blue, controls in grey."
            found.append(Section(f"Ranking at {at.layer}", text, ranked, leads=True))
        if (sanity := _sanity(at)) is not None:
            text = (
                "A map that stays the same when the model's weights are randomised tells nothing about the "
                "model."
            )
            parts = [part for part in (sanity, strip(at.cascade)) if part is not None]
            found.append(Section(f"Sanity check at {at.layer}", text, parts, leads=True))
    return found


def _tables(records: Records) -> Iterator[Table]:
    """Yield tables that fit the page: a row a method, the controls below, the rest under the pointer."""
    for layer, mine in by_layer(records).items():
        rows, heads = rows_of(mine), heads_of(mine)
        methods = sum(row.method for row in rows)
        for names in blocks(rows, heads, BROAD):
            header = ["method", *(" ".join(heads[name]) for name in names)]
            cells = [[row.title, *(_cell(row, name) for name in names)] for row in rows]
            yield Table(header, cells[:methods], f"at {layer}", cells[methods:])


def _cell(row: Row, metric: str) -> Cell:
    found = row.records.get(metric, [])
    if len(found) != 1:
        return Cell(row.cell(metric))
    number, controls = detail(found[0])
    more = f"{number}; not significantly better than {controls}" if controls else number
    return Cell(row.cell(metric), more, found[0]["value"] if found[0]["pictures"] else None)


def _details(records: Records) -> Table:
    header = ("layer", "method", "metric", "mean [95 % interval]", "pictures", "not significantly better "
                                                                               "than",
              "passes per map", "seconds per map")  # fmt: skip
    rows = []
    for one in records:
        number, controls = detail(one)
        rows.append([one["layer"], one["title"], one["metric"], number, one["pictures"], controls,
                     round(one["map_passes"]), one["map_seconds"]])  # fmt: skip
    return Table(header, rows, "Intervals, unbeaten controls and costs", folded=True)


def _curves(at: AtLayer, metric: str) -> Chart | None:
    results = [one for one in at.results if one.metric == metric and one.curve() is not None]
    order = -1 if metric == "insertion" else 1
    names = {one.name for one in at.subjects if one.kind == "method"}
    methods = [one for one in results if one.method in names]
    best = sorted(methods, key=lambda one: order * one.mean)[:DRAWN]
    lines, bands = {}, {}
    for result in [*best, *(one for one in results if one.method == "random")]:
        curves = result.curve()
        assert curves is not None
        mean = curves.mean(axis=0)
        lines[result.method] = (np.linspace(0, 1, len(mean)).tolist(), mean.tolist())
        if len(curves) > 1:
            error = curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
            low, high = (np.clip(mean + sign * error, 0, 1).tolist() for sign in (-1, 1))
            bands[result.method] = (low, high)
    return Chart(lines, "share of the pixels", "probability", metric, bands, (0, 1)) if lines else None


def rankings(evaluation: Evaluation, at: AtLayer) -> list[Ranking]:
    """Return a ranking for each metric that has a better end: every row's number with its interval.

    The axis spans the metric's bounds, or reaches to zero where it has none: a hair's breadth stays one.
    """
    found: dict[str, Ranking] = {}
    for place, subject, _, result, interval in evaluation.rows():
        if (
            place is not at
            or subject.kind == "randomised"
            or result.better == "neither"
            or not interval.count
        ):
            continue
        across = result.bounds if np.isfinite(result.bounds).all() else (0.0,)
        plot = found.setdefault(
            result.metric, Ranking([], across, f"{result.metric}, {result.better} is better")
        )
        row = (subject.title, interval.low, interval.value, interval.high, subject.kind == "method")
        plot.rows.append(row)
        plot.rows.sort(key=lambda row: row[2], reverse=result.better == "higher")
    return list(found.values())


def _sanity(at: AtLayer) -> Chart | None:
    found = {
        one.method: mean_known(curves)
        for one in at.results
        if one.metric == "randomisation" and "@" not in one.method and (curves := one.curve()) is not None
    }
    last = max(map(len, found.values()), default=1) - 1  # a control has only two points: it never changes
    lines = {name: (np.linspace(0, last, len(mean)).tolist(), mean.tolist()) for name, mean in found.items()}
    return (
        Chart(lines, "step of the cascade", "similarity to the trained model's map", across=(0, 1))
        if lines
        else None
    )


TILE = 0.9
"""Side of a map on the strip, in inches at 100 dots each."""


def strip(cascade: Mapping[str, Sequence[np.ndarray | None]]) -> Picture | None:
    """Return one row of maps a method: the trained model's, then while its weights are drawn again.

    Each map is shown as its positive part over its own maximum.  A map that is blank, or that could not be
    made, is an empty square.

    Args:
        cascade: method -> (*grid) raw maps of one picture, or None, the trained model's first.

    Returns:
        The picture, or None where there is no map of two axes.
    """
    rows = {name: maps for name, maps in cascade.items() if maps[0] is not None and maps[0].ndim == 2}
    if not rows:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = max(map(len, rows.values()))
    size = (1.9 + TILE * steps, 0.4 + TILE * len(rows))
    canvas = FigureCanvasAgg(Figure(size, dpi=100, layout="constrained", facecolor="white"))
    axes = canvas.figure.subplots(len(rows), steps, squeeze=False)
    for (name, maps), line in zip(rows.items(), axes, strict=True):
        line[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        for number, axis in enumerate(line):
            axis.set_xticks([])
            axis.set_yticks([])
            one = maps[number] if number < len(maps) else None
            if one is not None and one.max() > 0:
                axis.imshow(heat(one, "for"), cmap=SEQUENTIAL, vmin=0, vmax=1, interpolation="bilinear")
    for number, axis in enumerate(axes[0]):
        axis.set_title("trained" if number == 0 else f"step {number}", fontsize=8)
    canvas.draw()
    return Picture(
        np.asarray(canvas.buffer_rgba())[..., :3].copy(),
        "a row of maps for each method: of the trained model, then after each step towards a random one",
        "maps of the first picture; the last step has every layer random",
    )
