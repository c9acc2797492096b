"""The measured part of docs/evaluation.md, from what `tools/evaluation.py` measured."""

# ruff: noqa: E501 -- lines of the page, which is 120 wide
from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from evaluation_set import SEEDS

PLACES = ("energypointinggame", "pointinggame", "iou", "maxboxacc")
SHORT = {
    "deletion": "del", "insertion": "ins", "averagegain": "gain", "energypointinggame": "energy",
    "pointinggame": "point", "iou": "IoU", "maxboxacc": "box", "randomisation": "weights",
    "classsensitivity": "class", "rightobject": "asked",
}  # fmt: skip
SAMPLES = "Score-CAM with the 64 channels that vary most, Integrated Gradients with 16 steps, Expected Gradients with 24 samples, Partition SHAP on 4×4 cells, Kernel SHAP, LIME and RISE with 200 samples"
BLIND = 0.9
"""Rank correlation above which two maps are alike."""
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}
FAMILIES = {"cam": "class activation maps", "gradient": "gradients", "region": "regions"}


def page(groups: dict[str, dict[str, Any]]) -> str:
    """Return the measured part of the page."""
    quick, parts = groups["quick"], [groups[name] for name in ("quick", "paths", "regions") if name in groups]
    rows, made = quick["results"], quick["provenance"]
    counts = Counter(name.partition(":")[0] for name in quick["names"])
    every = [(one["results"], name) for one in parts for name in _methods(one["results"])]
    blind = [
        _title(part, name) for part, name in every if _row(part, name, "classsensitivity")["value"] > BLIND
    ]
    fixed = [_title(part, name) for part, name in every if _row(part, name, "randomisation")["value"] > BLIND]
    layer = next(row["layer"] for row in rows)
    two = sum(number for kind, number in counts.items() if kind != "one object")
    return _wrapped(f"""The embedded EfficientNet-Lite0, {len(quick["pictures"])} pictures, each with one object to explain, whose mask is known.

{chr(10).join(f"- {_verdict(one)}" for one in parts)}
- **● in every column**: {_listed(_always(rows)) or "none"} ({len(quick["pictures"])} pictures).
- **Blind to the class** (similar maps for another class, rank correlation above {BLIND}): {_listed(blind) or "none"}. **Blind to the weights** (similar maps for a model with random weights): {_listed(fixed) or "none"}.

{_table(parts)}

● significantly better than every control; ○ not, and nothing is claimed. A control is a map that does not look at the model
(the last rows), or the same method on a copy of the model with random weights. *Significantly*: an exact sign-flip test at
2.5 %, on deletion, which decides, for all methods of the same pictures together; on columns marked ¹ for each
method separately, so with many methods one may have a ● by chance.

| column | what it is |
|---|---|
| del, ins, gain | [deletion](metrics.md#deletion), [insertion](metrics.md#insertion), [average gain](metrics.md#averagegain): does the score depend on what the map shows |
| weights, class | rank correlation with the map of a model with random weights, and of another class: ○ above {BLIND}, where the map hardly depends on them |
| energy, point, IoU, box | [energy](metrics.md#energypointinggame), [pointing game](metrics.md#pointinggame), [IoU](metrics.md#iou), [MaxBoxAcc](metrics.md#maxboxacc): does the map lie on the object |
| asked | of the map's evidence on a picture's two objects, the share on the explained one: {two} pictures have two |
| n; passes | pictures; through the model for one map, beyond the forward and backward pass that all share |

By chance, a uniform map gets {_one(rows, "energypointinggame")} in *energy*, {_one(rows, "iou")} in *IoU*, {_one(rows, "maxboxacc")} in *box* and {_one(rows, "rightobject")} in *asked*, a pixel
anywhere {_one(rows, "pointinggame")} in *point*: its tolerance, 15 pixels of the picture, widens the object, and the centred Gaussian hits {_one(rows, "pointinggame", "gaussian")}.
{FAMILIES["cam"].capitalize()} read `{layer}`, the others the picture itself; methods of attention do not apply, as this network has
none. Grad-CAM, HiResCAM, Respond-CAM and XGrad-CAM are one map at this layer, as their equations say.

![Means with intervals](images/evaluation.png)

## The pictures

{len(quick["pictures"])}, composed by `tools/evaluation_set.py` from the bundled photos and drawn objects: {_listed([f"{n} with {kind}" for kind, n in counts.items()])}. They are
seeded, and for each the first seed is taken that the network recognises ({sum(SEEDS) + len(SEEDS)} were tried): the probability of the explained object is at least .3
on pictures with one object and .15 on those with two, {_sure(rows)}. So a ● is about pictures that the
network understands. Masks are those of what was drawn; cut pieces and the photos' own objects are boxes.

Methods that need many passes are measured on fewer pictures, next to Grad-CAM on the same pictures, and with fewer samples than their
defaults: {SAMPLES}. Methods of regions share their masked pictures, and *passes* are what each adds. A map of regions is flat
within a cell, and its first pixel counts as the strongest: *point* penalises large cells. Steps of deletion and insertion: {made["steps"]}; thresholds of MaxBoxAcc: 20; one randomised
model; seed {made["seed"]}; {_versions(made)}.

## Where maps are drawn

Metrics of places take maps where the layer's positions look (`placement="effective"`, the default of `explain`). For
comparison, maps stretched evenly over the picture, as most tools draw them:

{_stretched(rows, groups["stretched"]["results"])}

## How the numbers are made

Anything not stated here is as in [the ten switches](metrics.md#the-ten-switches); all definitions are on that page.

{chr(10).join(_switches(rows))}

""")


def _wrapped(text: str) -> str:
    """Return paragraphs and points in lines of at most 120 characters; tables and headings stay."""
    parts = re.split(r"(\n\n|\n(?=- ))", text)
    words = textwrap.TextWrapper(120, break_long_words=False, break_on_hyphens=False)
    for place, part in enumerate(parts):
        if part.strip() and part[0] not in "|#!":
            words.subsequent_indent = "  " if part.startswith("- ") else ""
            parts[place] = words.fill(part.strip().replace(" %", "\xa0%")).replace("\xa0", " ")
    return "".join(parts)


def _methods(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows if row["kind"] == "method"))


def _title(rows: list[dict[str, Any]], name: str) -> str:
    return next(str(row["title"]) for row in rows if row["method"] == name)


def _verdict(group: dict[str, Any]) -> str:
    best, rows = group["verdict"], group["results"]
    few = f"Of {len(_methods(rows))} methods on {len(group['pictures'])} pictures"
    if best["method"] is None:
        return f"{few}, **none** is significantly better than a random map."
    also = [_title(rows, name) for name, _ in best["equals"]]
    said = f"{few}, take **{_title(rows, best['method'])}**"
    if not also:
        return f"{said}: the data show that it is the best."
    worse = len(_methods(rows)) - 1 - len(also)
    rest = f"; the other {worse} are significantly worse" if worse else ""
    return f"{said}. There is no significant difference from {_listed(also)}, of which none is cheaper{rest}."


def _always(rows: list[dict[str, Any]]) -> list[str]:
    cells = {name: [_cell(row) for row in rows if row["method"] == name] for name in _methods(rows)}
    return [_title(rows, name) for name, found in cells.items() if all(one[0] == "●" for one in found)]


def _table(groups: list[dict[str, Any]]) -> str:
    import visioncam

    rows = groups[0]["results"]
    kinds = {row["metric"]: row for row in rows}
    heads = [
        f"{SHORT[name]} {ARROWS[row['better']]}{'' if row['corrected'] else '¹'}"
        for name, row in kinds.items()
    ]
    lines = [f"| method | {' | '.join(heads)} | n | passes |", "|---" * (len(heads) + 3) + "|"]
    family = {row.name: getattr(row.cls, "family", "cam") for row in visioncam.methods()}
    for part, head in FAMILIES.items():
        lines.append(f"| **{head}** |" + " |" * (len(heads) + 2))
        for mine in (one["results"] for one in groups):
            found = [name for name in _methods(mine) if family[name] == part]
            if mine is not rows:  # Grad-CAM stands with the methods that it was measured beside
                found = [name for name in found if name != "gradcam"]
            again = ["gradcam"] if found and mine is not rows and part != "gradient" else []
            told = {name: _line(mine, name, kinds) for name in dict.fromkeys([*found, *again])}
            if mine is not rows and "gradcam" in told:
                told["gradcam"] = told["gradcam"].replace("Grad-CAM", "Grad-CAM, same pictures", 1)
            lines += told.values()
    lines.append("| **controls** |" + " |" * (len(heads) + 2))
    controls = dict.fromkeys(row["method"] for row in rows if row["kind"] == "control")
    return "\n".join([*lines, *(_line(rows, name, kinds) for name in controls)])


def _line(rows: list[dict[str, Any]], name: str, metrics: Any) -> str:
    cells = {row["metric"]: row for row in rows if row["method"] == name}
    first = cells["deletion"]
    told = " | ".join(_cell(cells.get(metric)) for metric in metrics)
    return f"| {first['title']} | {told} | {len(first['values'])} | {first['map_passes']:.0f} |"


def _cell(row: dict[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return "–"
    alike = row["metric"] in ("randomisation", "classsensitivity") and row["value"] > BLIND
    mark = "" if row["kind"] != "method" else "○ " if alike or row["no_better_than"] else "● "
    return f"{mark}{round(row['value'], 2) + 0:.2f}".replace("0.", ".")


def _one(rows: list[dict[str, Any]], metric: str, control: str = "") -> str:
    """Return what a uniform map gets, or a control."""
    row = _row(rows, control or "random", metric)
    return f"{row['value' if control else 'uniform']:.2f}"


def _sure(rows: list[dict[str, Any]]) -> str:
    clean = np.array([curve[-1] for curve in _row(rows, "random", "insertion")["curves"]])
    return f"{np.median(clean):.2f} in the median"


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
