"""An evaluation as sections of a report: the table, curves with bands, the ranking, the sanity check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from visioncam.evaluation.strip import strip
from visioncam.evaluation.writing import table
from visioncam.html_report.sections import Chart, Picture, Section, Table

if TYPE_CHECKING:
    from visioncam.evaluation.measuring import AtLayer
    from visioncam.evaluation.record import Evaluation

CURVES = ("deletion", "insertion")
SHOWN = 3  # methods whose curves are drawn, and the random map beside them


def sections(evaluation: Evaluation) -> list[Section]:
    """Return the sections, for `visioncam.report(..., sections=...)`.

    Args:
        evaluation: what `visioncam.evaluate` returned.
    """
    header, rows = table(evaluation)
    count = len(evaluation.sources)
    told = f"Mean and 95 % bootstrap interval over {count} pictures. After = stand the controls that a"
    first = Section(
        "Which map can be trusted",
        f"{told} method is no better than.",
        [Table(header, rows, "metrics and controls")],
    )
    found = [first]
    for at in evaluation.layers:
        charts = [chart for metric in CURVES if (chart := _curves(at, metric)) is not None]
        if charts:
            found.append(
                Section(f"Curves at {at.layer}", "Mean over the pictures, with one standard error.", charts)
            )
        ranked = ranking(evaluation, at)
        if ranked is not None:
            found.append(Section(f"Ranking at {at.layer}", "", [ranked]))
        sanity = _sanity(at)
        if sanity is not None:
            text = (
                "A map that stays the same while the model's weights are drawn anew does not show the model."
            )
            pictures = [] if (drawn := strip(at.cascade)) is None else [drawn]
            found.append(Section(f"Sanity check at {at.layer}", text, [sanity, *pictures]))
    return found


def _curves(at: AtLayer, metric: str) -> Chart | None:
    results = [one for one in at.results if one.metric == metric and one.curve() is not None]
    sign = -1 if metric == "insertion" else 1
    methods = [one for one in results if "@" not in one.method and one.method in _methods(at)]
    best = sorted(methods, key=lambda one: sign * one.mean)[:SHOWN]
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for result in [*best, *(one for one in results if one.method == "random")]:
        curves = result.curve()
        assert curves is not None
        share = np.linspace(0, 1, curves.shape[1]).tolist()
        mean = curves.mean(axis=0)
        error = curves.std(axis=0) / np.sqrt(len(curves))
        lines[result.method] = (share, mean.tolist())
        lines[f"{result.method}, low"] = (share, (mean - error).tolist())
        lines[f"{result.method}, high"] = (share, (mean + error).tolist())
    return Chart(lines, "share of the pixels", "probability", metric) if lines else None


def ranking(evaluation: Evaluation, at: AtLayer) -> Picture | None:
    """Return the ranking plot: every row's number with its interval, one panel a metric.

    None where no metric says whether more or less is better.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    metrics = [one for one in evaluation.metrics if _better(at, one) != "neither"]
    if not metrics:
        return None
    names = [one.name for one in at.subjects if one.kind != "randomised"]
    figure = Figure(
        figsize=(3.0 * len(metrics) + 1.5, 0.32 * len(names) + 1.2), dpi=100, layout="constrained"
    )
    canvas = FigureCanvasAgg(figure)
    axes = np.atleast_1d(np.asarray(figure.subplots(1, len(metrics), sharey=True)))
    for axis, metric in zip(axes, metrics, strict=True):
        for row, name in enumerate(reversed(names)):
            interval = evaluation.result(name, metric, at.layer).interval()
            colour = "tab:blue" if name in _methods(at) else "tab:gray"
            axis.plot([interval.low, interval.high], [row, row], color=colour, linewidth=2)
            axis.plot([interval.value], [row], "o", color=colour, markersize=5)
        axis.set_title(f"{metric} ({_better(at, metric)} is better)", fontsize=8)
        axis.set_yticks(range(len(names)), list(reversed(names)), fontsize=8)
        axis.tick_params(axis="x", labelsize=7)
        axis.grid(axis="x", alpha=0.3)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    return Picture(pixels, "numbers with intervals, methods in blue, controls in grey", "ranking")


def _sanity(at: AtLayer) -> Chart | None:
    lines = {}
    for result in at.results:
        curves = result.curve() if result.metric == "randomisation" else None
        if curves is not None and "@" not in result.method:
            lines[result.method] = (
                list(map(float, range(curves.shape[1]))),
                np.nanmean(curves, axis=0).tolist(),
            )
    return Chart(lines, "step of the cascade", "likeness to the trained model's map", "") if lines else None


def _methods(at: AtLayer) -> set[str]:
    return {one.name for one in at.subjects if one.kind == "method"}


def _better(at: AtLayer, metric: str) -> str:
    return next(one.better for one in at.results if one.metric == metric)
