"""An evaluation as sections of a report: the table, curves with bands, the ranking, the sanity check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from visioncam.evaluation.evaluation import Evaluation
from visioncam.evaluation.measure import AtLayer
from visioncam.evaluation.table import legend, table
from visioncam.html_report.sections import Chart, Picture, Section, Table
from visioncam_core.metrics.intervals import Interval
from visioncam_core.results.heat import heat
from visioncam_metrics.randomisation.randomisation import mean_known
from visioncam_viz.drawing.colour import SEQUENTIAL

CURVES = ("deletion", "insertion")
DRAWN = 3  # methods whose curves are drawn, next to that of the random map


def sections(evaluation: Evaluation) -> list[Section]:
    """Return the sections, for `visioncam.report(..., sections=...)`.

    Args:
        evaluation: what `visioncam.evaluate` returned.
    """
    records, count = evaluation.records(), len(evaluation.sources)
    header, rows = table(records)
    first = Section(
        "Which map can be trusted",
        f"{legend(records, count)}.",
        [Table(header, [[_whole(cell) for cell in row] for row in rows], "metrics and controls")],
    )
    found = [first]
    for at in evaluation.layers:
        charts = [chart for metric in CURVES if (chart := _curves(at, metric)) is not None]
        if charts:
            text = "Mean over the pictures; the band is one standard error up and down."
            found.append(Section(f"Curves at {at.layer}", text if count > 1 else "Of one picture.", charts))
        if ranked := rankings(evaluation, at):
            text = "Numbers with their intervals, the best first; methods in blue, controls in grey."
            found.append(Section(f"Ranking at {at.layer}", text, ranked))
        if (sanity := _sanity(at)) is not None:
            text = (
                "A map that stays the same while the model's weights are drawn again does not show the model."
            )
            parts = [part for part in (sanity, strip(at.cascade)) if part is not None]
            found.append(Section(f"Sanity check at {at.layer}", text, parts))
    return found


def _whole(cell: str) -> str:
    """Return a cell whose number and interval stay on one line; the controls may go to the next."""
    number, equals, controls = cell.partition(" = ")
    return number.replace(" [", "\u00a0[").replace(", ", ",\u00a0") + equals + controls


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
    return Chart(lines, "share of the pixels", "probability", metric, bands) if lines else None


def rankings(evaluation: Evaluation, at: AtLayer) -> list[Picture]:
    """Return a ranking plot for each metric that has a better end: every row's number with its interval."""
    found: dict[str, list[tuple[str, str, Interval]]] = {}
    for place, subject, _, result, interval in evaluation.rows():
        if place is at and subject.kind != "randomised" and result.better != "neither" and interval.count:
            found.setdefault(result.metric, []).append((subject.name, subject.kind, interval))
    better = {one.metric: one.better for one in at.results}
    return [_ranking(metric, better[metric], rows) for metric, rows in found.items()]


def _ranking(metric: str, better: str, rows: list[tuple[str, str, Interval]]) -> Picture:
    rows = rows[::-1]  # the last is drawn on top
    rows.sort(key=lambda row: row[2].value, reverse=better == "lower")
    canvas = _canvas(4.2, 0.24 * len(rows) + 0.8)
    axis = canvas.figure.add_subplot()
    for place, (_, kind, interval) in enumerate(rows):
        colour = "tab:blue" if kind == "method" else "tab:gray"
        axis.plot([interval.low, interval.high], [place, place], color=colour, linewidth=2)
        axis.plot([interval.value], [place], "o", color=colour, markersize=5)
    axis.set_title(f"{metric} ({better} is better)", fontsize=9)
    axis.set_yticks(range(len(rows)), [name for name, _, _ in rows], fontsize=8)
    axis.set_ylim(-0.6, len(rows) - 0.4)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", alpha=0.3)
    numbers = "; ".join(f"{name} {interval.value:.3g}" for name, _, interval in reversed(rows))
    return Picture(_pixels(canvas), f"{metric}, {better} is better, the best first: {numbers}")


def _canvas(width: float, height: float) -> Any:
    """Return a canvas of so many inches at 100 dots each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")
    return FigureCanvasAgg(figure)


def _pixels(canvas: Any) -> np.ndarray:
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _sanity(at: AtLayer) -> Chart | None:
    found = {
        one.method: mean_known(curves)
        for one in at.results
        if one.metric == "randomisation" and "@" not in one.method and (curves := one.curve()) is not None
    }
    last = max(map(len, found.values()), default=1) - 1  # a control has only two points: it never changes
    lines = {name: (np.linspace(0, last, len(mean)).tolist(), mean.tolist()) for name, mean in found.items()}
    return Chart(lines, "step of the cascade", "likeness to the trained model's map", "") if lines else None


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
    steps = max(map(len, rows.values()))
    canvas = _canvas(1.9 + TILE * steps, 0.4 + TILE * len(rows))
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
    return Picture(
        _pixels(canvas),
        "a row of maps for each method: of the trained model, then after each step towards a random one",
        "maps of the first picture; the last step has every layer random",
    )
