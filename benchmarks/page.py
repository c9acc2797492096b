"""Writing docs/performance.md and its plot."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.rows import Row

FOLDER = Path(__file__).resolve().parents[1] / "docs"
INTRODUCTION = """\
# Performance

Written by `python -m benchmarks`. F is one warmed, compiled forward pass of the same model at the same batch
size, on the same machine, in the same run; two sides take turns, and a figure is the median of the ratios of
neighbours. Random weights: time does not depend on them.
"""


def write(rows: Sequence[Row], peers: Sequence[tuple[str, str, str]], folder: Path = FOLDER) -> Path:
    """Write the page and its plot; return the page's path.

    Args:
        rows: what was measured.
        peers: (tool, work, result or failure) of other libraries in the same run.
        folder: where `performance.md` and `images/performance.png` go.
    """
    lines = [INTRODUCTION, _machine(), "", "![Measured against the limits](images/performance.png)", ""]
    lines += ["| work | model | measured | at most | holds |", "|---|---|---|---|---|"]
    for row in rows:
        bound = f"{'at least ' if row.least else ''}{row.limit:g} {row.unit}"
        note = f" ({row.note})" if row.note else ""
        holds = "yes" if row.holds else "**no**"
        lines.append(
            f"| {row.work} | {row.model} | {row.measured:.3g} {row.unit}{note} | {bound} | {holds} |"
        )
    if peers:
        lines += ["", "## Other libraries", "", "| tool | work | result |", "|---|---|---|"]
        lines += [f"| {tool} | {work} | {result} |" for tool, work, result in peers]
    _plot(rows, folder / "images" / "performance.png")
    page = folder / "performance.md"
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def _machine() -> str:
    names = ("tensorflow", "keras", "numpy", "visioncam")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"Measured on {date.today():%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, {versions}. No GPU was at hand; the GPU figures were not measured."
    )


def _plot(rows: Sequence[Row], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    bounded = [row for row in rows if row.limit > 0]
    shares = [row.limit / row.measured if row.least else row.measured / row.limit for row in bounded]
    figure = Figure(figsize=(9, 0.32 * len(bounded) + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = ["#2a7f62" if share <= 1 else "#b5442e" for share in shares]
    axes.barh([f"{row.work} · {row.model}" for row in bounded], shares, color=colours)
    axes.axvline(1.0, color="#222222", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("share of the limit (1 is the limit; less is better)")
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
