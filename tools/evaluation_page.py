"""The measured part of docs/evaluation.md, from what `tools/evaluation.py` measured."""

# ruff: noqa: E501 -- lines of the page, which is 120 wide
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

PLACES = ("energypointinggame", "pointinggame", "iou", "maxboxacc")
SHORT = {
    "deletion": "del", "insertion": "ins", "averagegain": "gain", "energypointinggame": "energy",
    "pointinggame": "point", "iou": "IoU", "maxboxacc": "box", "randomisation": "weights",
    "classsensitivity": "class", "rightobject": "asked",
}  # fmt: skip
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}
FAMILIES = {"cam": "class activation maps", "gradient": "gradients", "region": "regions"}


def page(groups: dict[str, dict[str, Any]]) -> str:
    """Return the measured part of the page."""
    quick, few = groups["quick"], groups["slow"]
    rows = quick["results"]
    made, counts = quick["provenance"], Counter(_kind(name) for name in quick["names"])
    value = {(row["method"], row["metric"]): row["value"] for row in rows}
    ignore = [_title(rows, name) for name in _methods(rows) if value[name, "classsensitivity"] > 0.9]
    layer = next(row["layer"] for row in rows)
    return f"""
The embedded EfficientNet-Lite0 at `{layer}`, {len(quick["pictures"])} pictures, each with a known object. **{_verdict(quick)}**
Beside the slow methods, on {len(few["pictures"])} of the pictures: {_verdict(few)}

{_table([quick, few])}

● surely better than every control, ○ not; a control is a map that does not look at the model (the last rows), or the
same method on a copy of the model with random weights. *Surely*: an exact sign-flip test at 2.5 %; on deletion, which
decides, for all methods of the same pictures together, on the others for each by itself, so that of {len(_methods(rows))} methods one may
have a ● there by luck. Nothing is claimed where there is ○. {FAMILIES["cam"].capitalize()} read `{layer}`, the others the picture itself;
methods of attention do not apply, as this network has none. Columns: *del*etion, *ins*ertion, average *gain*;
*energy*, *point*, *IoU*, *box* (MaxBoxAcc): whether the map lies on the object; *asked*: of what lies on the two objects of a
picture, the share on the one asked for; *weights* and *class*: likeness (rank correlation) to the map of a model with random
weights, and of another class: near 1 the map does not depend on them. *n*: pictures. *Passes*: of one map, beyond
the forward and backward pass that all share.

- **Which look at the class:** all but {_listed(ignore) or "none"}, whose maps for another class are the same (*class* above .9).
- **What chance gets:** {_uniform(rows)}.
- **Grad-CAM, HiResCAM, Respond-CAM and XGrad-CAM** are one map at this layer, as their equations say.

![Means with intervals](images/evaluation.png)

## The pictures

{len(quick["pictures"])}, composed by `tools/evaluation_set.py` from the three bundled photos and drawn objects, seeded: {_listed([f"{n} {kind}" for kind, n in counts.items()])}.
The seeds are chosen so that the network is sure of what is asked for: {_sure(quick)} So a ● is about pictures
that the network understands. Objects are where a mask says; one object a picture is asked for, and *asked* counts
the {sum(n for kind, n in counts.items() if "one" not in kind)} pictures with two.

Slow methods, with fewer samples than their defaults where said, are measured on every {len(quick["pictures"]) // len(few["pictures"])}th picture: Score-CAM with its
256 most varying channels, Expected Gradients with 50 samples, Kernel SHAP, LIME and RISE with 500. Grad-CAM stands with them
again, so that they can be compared on the same pictures. Steps of deletion and insertion: {made["steps"]}; one randomised model;
seed {made["seed"]}; {_versions(made)}.

## Where maps are drawn

The metrics of places above take maps where the layer's positions look (`placement="effective"`, the default of
`explain`). Beside them, maps stretched evenly over the picture, as most tools draw them:

{_stretched(rows, groups["stretched"]["results"])}

The pointing game's tolerance, 15 pixels of the picture, widens the object: a pixel anywhere hits in {_one(rows, "pointinggame")} of the
cases, and the centred Gaussian in {value["gaussian", "pointinggame"]:.2f}.

## How the numbers are made

What is not said here is as in [the ten switches](metrics.md#the-ten-switches); all definitions are on that page.

{chr(10).join(_switches(rows))}

"""


def _methods(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows if row["kind"] == "method"))


def _title(rows: list[dict[str, Any]], name: str) -> str:
    return next(str(row["title"]) for row in rows if row["method"] == name)


def _kind(name: str) -> str:
    return name.partition(":")[0]


def _verdict(group: dict[str, Any]) -> str:
    best, rows = group["verdict"], group["results"]
    if best["method"] is None:
        return str(best["why"])
    also = [_title(rows, name) for name, _ in best["equals"]]
    said = f"Take {_title(rows, best['method'])}: {best['sure']}"
    return (
        f"{said} to {_listed(also)}, and none that surely beats a random map is cheaper."
        if also
        else f"{said}."
    )


def _table(groups: list[dict[str, Any]]) -> str:
    import visioncam

    rows = groups[0]["results"]
    better = {row["metric"]: row["better"] for row in rows}
    heads = " | ".join(f"{SHORT[name]} {ARROWS[better[name]]}" for name in better)
    lines = [f"| method | {heads} | n | passes |", "|---" * (len(better) + 3) + "|"]
    family = {row.name: getattr(row.cls, "family", "cam") for row in visioncam.methods()}
    found = [(one["results"], name) for one in groups for name in _methods(one["results"])]
    for part, told in FAMILIES.items():
        lines.append(f"| **{told}** |" + " |" * (len(better) + 2))
        lines += [_line(rows, name, better) for rows, name in found if family.get(name, "cam") == part]
    lines.append("| **controls** |" + " |" * (len(better) + 2))
    controls = dict.fromkeys(row["method"] for row in rows if row["kind"] == "control")
    return "\n".join([*lines, *(_line(rows, name, better) for name in controls)])


def _line(rows: list[dict[str, Any]], name: str, metrics: Any) -> str:
    cells = {row["metric"]: row for row in rows if row["method"] == name}
    first = cells["deletion"]
    told = " | ".join(_cell(cells.get(metric)) for metric in metrics)
    return f"| {first['title']} | {told} | {len(first['values'])} | {first['map_passes']:.0f} |"


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return "–"
    mark = "" if row["kind"] != "method" else "○ " if row["no_better_than"] else "● "
    return f"{mark}{row['value']:.2f}".replace("0.", ".")


def _uniform(rows: list[dict[str, Any]]) -> str:
    told = "a uniform map {} (energy), {} (IoU), {} (box) and {} (asked), a pixel anywhere {} (point)"
    return told.format(
        *(_one(rows, m) for m in ("energypointinggame", "iou", "maxboxacc", "rightobject", "pointinggame"))
    )


def _one(rows: list[dict[str, Any]], metric: str) -> str:
    return f"{next(row['uniform'] for row in rows if row['metric'] == metric):.2f}"


def _sure(group: dict[str, Any]) -> str:
    clean = np.array([curve[-1] for curve in _row(group["results"], "random", "insertion")["curves"]])
    return f"its probability is {np.median(clean):.2f} in the middle, below .1 on {int((clean < 0.1).sum())} of {len(clean)}."


def _row(rows: list[dict[str, Any]], method: str, metric: str) -> dict[str, Any]:
    return next(row for row in rows if (row["method"], row["metric"]) == (method, metric))


def _stretched(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> str:
    lines = [
        "| method | " + " | ".join(f"{SHORT[name]} | stretched" for name in PLACES) + " |",
        "|---" * (2 * len(PLACES) + 1) + "|",
    ]
    for name in _methods(others):
        cells = [f"{_row(part, name, m)['value']:.3f}" for m in PLACES for part in (rows, others)]
        lines.append(f"| {_title(rows, name)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _versions(made: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {made[name]}" for name in ("tensorflow", "keras", "torch", "numpy") if name in made
    )


def _switches(rows: list[dict[str, Any]]) -> Iterator[str]:
    from visioncam_core.metrics.result import Switches

    common = attrs.asdict(Switches())
    for metric in dict.fromkeys(row["metric"] for row in rows):
        switches = next(row for row in rows if row["metric"] == metric)["switches"]
        said = "; ".join(f"{name}: {value}" for name, value in switches.items() if value != common[name])
        yield f"- `{metric}`: {said or 'as there'}."


def _listed(words: list[str]) -> str:
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else "".join(words)
