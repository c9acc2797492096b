"""Measure docs/evaluation.md and write it: run `python tools/evaluation.py`; a quarter of an hour on two busy cores.

`--from A.json [B.json]` writes the page from results that were saved before, without measuring anew.
"""

# ruff: noqa: E501 -- lines of the page, which is 120 wide
from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "evaluation.md"
PLOT = ROOT / "docs" / "images" / "evaluation.png"
METRICS = ("deletion", "insertion", "averagedrop", "averagegain", "sparseness", "randomisation", "pointinggame",
           "energypointinggame")  # fmt: skip
SLOW = "scorecam"  # more than a thousand passes a map at the last layer
SMALLER = "block5c_add"
AT_SMALLER = (SLOW, "ablationcam", "gradcam")
MUST_BEAT = ("deletion", "insertion", "pointinggame")
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}


def measured(folder: Path) -> list[Path]:
    """Measure, and return the files with the results."""
    from evaluation_set import pictures

    import visioncam

    model = visioncam.demo.load()
    found = pictures(model)
    keywords: dict[str, Any] = {
        "truth": [one.box for one in found],
        "target": [one.target for one in found],
        "steps": 10, "seeds": 3, "cascade": 1, "patience": 3000, "metrics": list(METRICS), "progress": True,
    }  # fmt: skip
    images = [one.pixels for one in found]
    names = [row.name for row in visioncam.methods() if row.name != SLOW]
    first = visioncam.evaluate(model, images, names, **keywords).save(folder / "evaluation.json")
    second = visioncam.evaluate(model, images, list(AT_SMALLER), layers=SMALLER, **keywords)
    return [first, second.save(folder / "evaluation_smaller.json")]


def page(results: list[dict[str, Any]]) -> str:
    """Return the page of the results."""
    data = results[0]
    rows = [row for one in results for row in one["results"]]
    made = data["provenance"]
    sure = "".join(
        re.findall(r"## How sure the numbers are\n.*?(?=## Reading)", PAGE.read_text("utf-8"), re.DOTALL)
    )
    tables = "\n\n".join(_table(rows, layer) for layer in dict.fromkeys(row["layer"] for row in rows))
    return f"""# Evaluation

Written by `python tools/evaluation.py`. The embedded EfficientNet-Lite0 on {len(data["pictures"])} cases: the three
bundled photos, each explained for its top class, and six composed pictures with two objects on a texture, each
explained once for either object, whose box is known. All methods at `{data["results"][0]["layer"]}`, but
Score-CAM at the smaller `{SMALLER}`: a map of it costs more than a thousand passes at the other, and the
{made["seeds"]} randomised models are asked for a map of every case too. Ablation-CAM and
Grad-CAM stand there as well. Few cases and few steps: a look, not a benchmark.

Steps of deletion and insertion: {made["steps"]}; randomised copies of the model: {made["seeds"]}; seed
{made["seed"]}; TensorFlow {made["tensorflow"]}, Keras {made["keras"]}.

Each number is the mean with its 95 % interval over n cases. After = stand the controls that the method is **not surely
better than**, see [how sure the numbers are](#how-sure-the-numbers-are). Passes are those of one map, beyond the
forward and backward pass that all share.

{tables}

![Means with intervals](images/evaluation.png)

Score-CAM stands here at `{SMALLER}`; all others, controls too, at `{data["results"][0]["layer"]}`.

{sure}## Reading

{_reading(rows)}

## How the numbers are made

What is not said here is as in [the ten switches](metrics.md#the-ten-switches); all definitions are on that page.

{chr(10).join(_switches(rows))}
"""


def _table(rows: list[dict[str, Any]], layer: str) -> str:
    mine = [row for row in rows if row["layer"] == layer]
    names = list(dict.fromkeys(row["metric"] for row in mine))
    better = {row["metric"]: row["better"] for row in mine}
    lines = [
        f"At `{layer}`:\n",
        "| method | "
        + " | ".join(f"{name} {ARROWS[better[name]]}".strip() for name in names)
        + " | passes |",
        "|---" * (len(names) + 2) + "|",
    ]
    for title in dict.fromkeys(row["title"] for row in mine):
        cells = {row["metric"]: row for row in mine if row["title"] == title}
        passes = next(iter(cells.values()))["map_passes"]
        lines.append(
            f"| {title} | " + " | ".join(_cell(cells.get(name)) for name in names) + f" | {passes:.0f} |"
        )
    return "\n".join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return ""
    if row["value"] is None:
        return "no answer"
    marks = ", ".join(name.partition("@")[2] or name for name in row["no_better_than"])
    span = "" if row["low"] is None else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"{row['value']:.3f}{span}" + (f" = {marks}" if marks else "") + f" (n {row['pictures']})"


def _reading(rows: list[dict[str, Any]]) -> str:
    of: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        of.setdefault((row["method"], row["metric"]), row)
    told = []
    for metric in MUST_BEAT:
        mine = [row for row in rows if row["kind"] == "method" and row["metric"] == metric]
        behind = [row for row in mine if "random" in row["no_better_than"]]
        ahead = [row for row in mine if "random" not in row["no_better_than"]]
        said = _listed([_named(row, of) for row in ahead]) or "no method"
        line = f"- **{metric}**: surely better than the random map: {said}."
        if behind:
            line += f" Not surely better: {_listed([_named(row, of) for row in behind])}."
        told.append(line)
    clean = np.array([curve[-1] for curve in of["random", "insertion"]["curves"]])
    at = {
        row["method"]: row["value"]
        for row in rows
        if (row["layer"], row["metric"]) == (SMALLER, "randomisation") and row["value"] is not None
    }
    value = {key: row["value"] for key, row in of.items() if row["value"] is not None}
    close = "sobel" in of["gradcam", "deletion"]["no_better_than"]
    told += [
        *_why_deletion(rows, of, clean),
        *_why_insertion(clean),
        "- **Why the centred Gaussian hits.** Both boxes end within 15 pixels of the middle, the tolerance of the",
        '  pointing game, so a map that always says "the middle" hits each. That is a weakness of this set, and of',
        "  the metric; the energy pointing game tells them apart.",
        *_luck(rows),
        f"- **Energy on the object.** Grad-CAM lays {value['gradcam', 'energypointinggame']:.2f} of its map into the",
        f"  box of the class asked for, a uniform map {value['fakecam', 'energypointinggame']:.2f}, and Grad-CAM++,",
        f"  which keeps positive gradients only, {value['gradcamplusplus', 'energypointinggame']:.2f}: its maps are",
        "  wider, and where it is no better than noise above, that is why. Of Score-CAM's map",
        f"  {value.get((SLOW, 'energypointinggame'), float('nan')):.2f} lies in the box.",
        "- **Sanity.** Grad-CAM's map of a randomised model is unlike its own (rank correlation",
        f"  {value['gradcam', 'randomisation']:.2f}), Grad-CAM++'s less so",
        f"  ({value['gradcamplusplus', 'randomisation']:.2f}). The edge detector does not change at all",
        f"  ({value['sobel', 'randomisation']:.2f}): it cannot pass as an explanation"
        + (", although the data do not tell its\n  deletion from Grad-CAM's." if close else "."),
        f"  At `{SMALLER}` Score-CAM's maps ({at[SLOW]:.2f}), Ablation-CAM's ({at['ablationcam']:.2f}) and",
        f"  Grad-CAM's ({at['gradcam']:.2f}) are unlike those of a randomised model too.",
        "- **Average drop alone is worthless.** Fake-CAM, ones but for one pixel, has the best of all; its gain is",
        f"  {value['fakecam', 'averagegain']:.3f}.",
        "- Grad-CAM, HiResCAM, Respond-CAM and XGrad-CAM are one map at this layer, as their equations say, and have",
        "  one row of numbers four times. So have Grad-CAM++ and Smooth Grad-CAM++: what follows this layer is linear, so",
        "  noise on the picture does not change its gradients.",
        *_unanswered(rows, of),
    ]
    return "\n".join(told)


def _named(row: dict[str, Any], of: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Return a method's title, with the layer where it also stands at another."""
    other = of[row["method"], row["metric"]]["layer"] != row["layer"]
    return f"{row['title']} at {row['layer']}" if other else str(row["title"])


def _unanswered(rows: list[dict[str, Any]], of: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    silent = [row for row in rows if row["kind"] == "method" and row["value"] is None]
    return [
        f"- **No answer** of {row['metric']} for {_named(row, of)}: {_listed(sorted({flag for flag in row['flags'] if flag}))}."
        for row in silent
    ]


def _why_insertion(clean: np.ndarray) -> list[str]:
    """Return why insertion says little: what the model thinks of the whole picture bounds it."""
    low = int((clean < 0.1).sum())
    return [
        "- **Why not more on insertion.** With two objects on a texture the model is hardly sure of either: on",
        f"  {low} of {len(clean)} cases the probability of the class is below 0.1 on the whole picture. Where there is",
        "  no probability to win, no order of the pixels can win it, and few cases leave wide intervals. Where the",
        "  data do not show that a map is better than a random one, this page does not claim it.",
    ]


def _luck(rows: list[dict[str, Any]]) -> list[str]:
    """Return how much the random map's own luck differs from layer to layer."""
    hits = [row for row in rows if (row["method"], row["metric"]) == ("random", "pointinggame")]
    said = _listed([f"{row['value']:.2f} of the cases at `{row['layer']}`" for row in hits])
    return [
        "- **Luck.** The random map is one draw a case. It hits",
        f"  {said}:",
        f"  on the pointing game, where {hits[0]['pictures']} cases count, a mark, or that there is none, may be its luck.",
    ]


def _why_deletion(
    rows: list[dict[str, Any]], of: dict[tuple[str, str], dict[str, Any]], clean: np.ndarray
) -> list[str]:
    """Return why some methods are not surely better than the random map on deletion, case by case."""
    lines = []
    sure = clean >= 0.1
    for row in rows:
        if (row["kind"], row["metric"]) != ("method", "deletion") or "random" not in row["no_better_than"]:
            continue
        random = next(
            r for r in rows if (r["method"], r["metric"], r["layer"]) == ("random", "deletion", row["layer"])
        )
        worse = int((np.array(row["values"], float) > np.array(random["values"], float))[sure].sum())
        lines.append(
            f"  {_named(row, of)}: mean {row['value']:.3f} against {random['value']:.3f}, yet worse on {worse} of them."
        )
    if not lines:
        return []
    return [
        "- **Why not all on deletion.** Where the model is hardly sure there is nothing to lose, so that only",
        f"  {int(sure.sum())} of {len(clean)} cases tell anything, and on some of these the random map deletes faster:",
        *lines,
        "  The means are lower, but with so few cases chance does as well too often.",
    ]


def _switches(rows: list[dict[str, Any]]) -> list[str]:
    from visioncam_core.metrics.result import Switches

    common = attrs.asdict(Switches())
    lines = []
    for metric in dict.fromkeys(row["metric"] for row in rows):
        switches = next(row for row in rows if row["metric"] == metric)["switches"]
        said = "; ".join(f"{name}: {value}" for name, value in switches.items() if value != common[name])
        lines.append(f"- `{metric}`: {said or 'as there'}.")
    return lines


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else "".join(words)


def plot(results: list[dict[str, Any]]) -> None:
    """Write the plot of means with intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [row for one in results for row in one["results"] if row["kind"] != "randomised"]
    shown = ("deletion", "insertion", "averagegain", "energypointinggame", "randomisation")
    ordered = sorted(rows, key=lambda row: row["kind"] == "control")  # methods first, else as measured
    names = list(dict.fromkeys((row["title"], row["kind"]) for row in ordered))[::-1]
    figure = Figure(figsize=(14, 4.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axis, metric in zip(figure.subplots(1, len(shown), sharey=True), shown, strict=True):
        mine = {
            row["title"]: row for row in reversed(rows) if row["metric"] == metric
        }  # the first layer wins
        for place, (title, kind) in enumerate(names):
            row = mine.get(title)
            if row is None or row["value"] is None:
                continue
            colour = "tab:blue" if kind == "method" else "0.45"
            axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=2)
            axis.plot([row["value"]], [place], "o", color=colour, markersize=5)
        better = next(row["better"] for row in rows if row["metric"] == metric)
        axis.set_title(f"{metric}\n{better} is better", fontsize=9)
        axis.set_yticks(range(len(names)), [title for title, _ in names], fontsize=9)
        axis.grid(axis="x", alpha=0.3)
    figure.savefig(PLOT, metadata={"Title": "VisionCam evaluation", "Software": ""})


def main(arguments: list[str]) -> None:
    """Measure, or read what was measured, and write page and plot."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        files = (
            [Path(one) for one in arguments[1:]] if arguments[:1] == ["--from"] else measured(Path(folder))
        )
        results = [json.loads(file.read_text("utf-8")) for file in files]
    PAGE.write_text(page(results), "utf-8")
    plot(results)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(sys.argv[1:])
