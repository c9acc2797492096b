"""Writing docs/performance.md and its plot."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.kept import Group, Line
from benchmarks.rows import Row
from visioncam_core.version import VERSION

FOLDER = Path(__file__).resolve().parents[1] / "docs"
INTRODUCTION = """\
# Performance

Written by `python -m benchmarks`. F is one warmed, compiled forward pass of the same model at the same batch
size, on the same machine, in the same run; the two sides alternate, and a figure is the median ratio of
neighbouring runs. Weights are random: time does not depend on them.
"""

QUALITY = """\
`channels=` scores only the channels that vary most over space; `until=` stops once the map's rank correlation
with its state half as many channels ago exceeds the bound. The error is the mean difference of the two heat
maps, which lie in [0, 1]; pictures are those the model scored. One photo, `examples/chelsea.png`: an
indication, not a general result."""
PEERS = """\
The same architecture, picture size and layer, random weights. A figure counts forward passes of the tool's
own framework, timed in the same run and in turn."""
TORCH = """\
## PyTorch, and Keras on JAX

Written by `python -m benchmarks --only torch`. F is `model(x)` in inference mode (on JAX: the jitted forward
pass) in the same rounds. Seconds are those of the process on one thread, JAX's of its own threads; random
weights."""
METHODS = """\
## Beyond CAM

Written by `python -m benchmarks --only methods`: Integrated Gradients with 32 steps, occlusion with windows
of 32 pixels at steps of 16, the same baseline and picture for both; seconds of the process on one thread. F
is `model(x)` at batch 1."""
APP = """\
## The app

Written by `python -m benchmarks --only app`: from the click until the map is drawn on the screen, in headless
Chromium on the same machine, median of the rounds. The app explains an example before it prints its address,
so that the first click is warm."""
LOOPS = """\
## Loops, batches and first answers

Written by `python -m benchmarks --only loops`: Grad-CAM. Python per picture is what a call takes beyond the
passes that the method itself needs, already cut from the model's graph."""
APART = {"torch": TORCH, "methods": METHODS, "loops": LOOPS, "app": APP}
"""Word of `--only` -> how its section of the page begins."""
MEASURED = re.compile(r"(<!-- measured: torch -->\n).*?(<!-- end of measured: torch -->)", re.DOTALL)
NO_GPU = """\
Throughput on a GPU (batch 64, float32 and mixed precision) was not measured: none was available.
  `python -m benchmarks --only gpu` measures it where TensorFlow finds one."""


def write(
    groups: Mapping[str, Group], missing: Sequence[str] = (), note: str = "", folder: Path = FOLDER
) -> Path:
    """Write the page and its plot; return the page's path.

    Args:
        groups: name of the group -> what was measured, in order.
        missing: groups that were left out.
        note: how it was measured, where that matters.
        folder: where `performance.md` and `images/performance.png` go.
    """
    page = folder / "performance.md"
    aside = {word: {name: one for name, one in groups.items() if word in name} for word in APART}
    groups = {name: group for name, group in groups.items() if not any(word in name for word in APART)}
    before = page.read_text("utf-8") if page.exists() else ""
    rows = [row for group in groups.values() for row in group.rows]
    peers = [line for name, group in groups.items() if name.startswith("peers") for line in group.lines]
    quality = [line for name, group in groups.items() if name == "quality" for line in group.lines]
    lines = [
        INTRODUCTION,
        _machine(),
        *(["", note] if note else []),
        "",
        "![Measured against the limits](images/performance.png)",
        "",
    ]
    lines += _limits(rows)
    if quality:
        lines += ["", "## Score-CAM's approximations", "", QUALITY, ""]
        lines += _table(("option", "layer of the embedded model", "against all channels"), quality)
    if peers:
        lines += ["", "## Other libraries", "", PEERS, ""]
        lines += _table(("tool", "work", "result"), peers)
    for word, apart in aside.items():
        old = _section(word).search(before)
        if apart or old:
            lines += ["", _apart(word, apart, note).rstrip() if apart else old[0].rstrip()]  # type: ignore[index]
    missed = [f"{row.work} ({row.model})" for row in rows if not row.holds]
    lines += ["", "## Not met, and not measured", ""]
    lines += [f"- Above its limit in this run: {work}." for work in missed]
    lines += [f"- Not measured in this run: {name}." for name in missing]
    if not any("GPU" in row.work for row in rows):
        lines.append(f"- {NO_GPU}")
    _plot(rows, folder / "images" / "performance.png")
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return page


def write_apart(word: str, groups: Mapping[str, Group], note: str = "", folder: Path = FOLDER) -> Path:
    """Write one section of the page, for "torch" README's table too; return the page's path."""
    page, readme = folder / "performance.md", folder.parent / "README.md"
    text, section = page.read_text("utf-8"), _apart(word, groups, note)
    if _section(word).search(text):
        text = _section(word).sub(lambda _: section, text)
    else:
        text = text.replace("## Not met", f"{section}## Not met", 1)
    page.write_text(text, encoding="utf-8")
    if word != "torch":
        return page
    table = "\n".join(_readme_table(groups))
    front = readme.read_text("utf-8")
    readme.write_text(MEASURED.sub(lambda found: f"{found[1]}{table}\n{found[2]}", front), encoding="utf-8")
    return page


def _section(word: str) -> re.Pattern[str]:
    heading = re.escape(APART[word].splitlines()[0])
    return re.compile(heading + r"\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def _apart(word: str, groups: Mapping[str, Group], note: str) -> str:
    rows = [row for group in groups.values() for row in group.rows]
    lines = [line for group in groups.values() for line in group.lines]
    parts = [APART[word], "", _machine(), *(["", note] if note else []), "", *_limits(rows)]
    missed = [f"{row.work} ({row.model})" for row in rows if not row.holds]
    parts += ["", f"Above its limit in this run: {', '.join(missed)}."] if missed else []
    parts += ["", *_table(("tool", "work", "result"), lines)] if lines else []
    return "\n".join(parts) + "\n\n"


def _readme_table(groups: Mapping[str, Group]) -> list[str]:
    """Return Grad-CAM of every tool at both batch sizes, in forward passes of PyTorch."""
    found: dict[str, dict[str, str]] = {"VisionCam": {}}
    for group in groups.values():
        for row in group.rows:
            if row.work.startswith("GradCAM") and "PyTorch" in row.model:
                found["VisionCam"][row.work.split()[-1]] = f"{row.measured:.2f}"
        for tool, work, result in group.lines:
            if work.startswith("Grad-CAM,") and "ours in the same rounds" in result:
                found.setdefault(tool, {})[work.split()[-1]] = result.split(" F;")[0]
    table = ["| Grad-CAM, ResNet50 in PyTorch, in its forward passes | batch 1 | batch 16 |", "|---|---|---|"]
    return table + [f"| {tool} | {x.get('1', '–')} | {x.get('16', '–')} |" for tool, x in found.items()]


def _limits(rows: Sequence[Row]) -> list[str]:
    lines = ["| work | model | measured | at most | holds |", "|---|---|---|---|---|"]
    for row in rows:
        bound = f"{'at least ' if row.least else ''}{row.limit:g} {row.unit}"
        note = f" ({row.note})" if row.note else ""
        holds = "yes" if row.holds else "**no**"
        figure = f"{row.measured:.3g} {row.unit}{note}"
        lines.append(f"| {row.work} | {row.model} | {figure} | {bound} | {holds} |")
    return lines


def _table(head: tuple[str, str, str], lines: Sequence[Line]) -> list[str]:
    return [f"| {' | '.join(line)} |" for line in (head, ("---", "---", "---"), *lines)]


def _machine() -> str:
    names = ("tensorflow", "keras", "torch", "torchvision", "jax", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names if find_spec(name))
    return (
        f"Measured on {date.today():%Y-%m-%d}: {os.cpu_count()} cores ({platform.machine()}), Python "
        f"{platform.python_version()}, {versions}, visioncam {VERSION}."
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
