"""An evaluation's records as tables: one row per method, one column per metric, one mark per cell."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import attrs

from visioncam_core.errors import OutputError
from visioncam_core.files import csv_text, json_text, write_bytes
from visioncam_core.metrics.chance import fewest
from visioncam_core.metrics.intervals import NONE as UNSURE
from visioncam_core.plain_data import plain
from visioncam_core.results.describe import options_in_text
from visioncam_core.text import normalise

Record = Mapping[str, Any]
Records = Sequence[Record]
"""What `Evaluation.records` returns."""

ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}
ALONE, BETTER, NOT_BETTER, NONE = "¹", "●", "○", "–"
TWINS = "Randomised model"
WIDTH = 100  # characters of a line
LONGEST = 14  # letters of a metric's name in one line
TITLE = 46  # letters of a method's title: its beginning and its end where it has more
COLUMNS = ("layer", "method", "kind", "metric", "better", "value", "low", "high", "interval",
           "pictures", "flagged", "no_better_than", "corrected", "passes", "seconds", "map_passes",
           "map_seconds")  # fmt: skip


@attrs.frozen
class Row:
    """One row: a method, a control, or the methods on a randomised model."""

    title: str
    method: bool
    records: dict[str, list[Record]]  # by metric; several of the randomised model
    judged: set[str]  # metrics on which a control has a number

    def cell(self, metric: str) -> str:
        """Return a mark and a number; "–" where there is none, nothing where it was not measured."""
        found = self.records.get(metric, ())
        known = [one for one in found if one["pictures"]]
        if not known:
            return NONE if found else ""
        marked = self.method and known[0]["better"] != "neither" and metric in self.judged
        mark = (NOT_BETTER if known[0]["no_better_than"] else BETTER) if marked else ""
        value = fmean(one["value"] for one in known)
        return f"{mark}{value:.3f}" if abs(value) < 100 else f"{mark}{value:.2g}"


def short(title: str) -> str:
    """Return a title that leaves room for numbers; its end may say that the model is a randomised one."""
    return title if len(title) <= TITLE else f"{title[: TITLE - 24]}…{title[-23:]}"


def rows_of(records: Records) -> list[Row]:
    """Return the rows of one layer: methods, then the randomised model in one, then the other controls."""
    found: dict[str, Row] = {}
    judged = {one["metric"] for one in records if one["kind"] != "method" and one["pictures"]}
    for one in records:
        title = TWINS if one["kind"] == "randomised" else short(one["title"])
        key = TWINS if title is TWINS else one["method"]
        row = found.setdefault(key, Row(title, one["kind"] == "method", {}, judged))
        row.records.setdefault(one["metric"], []).append(one)
    return list(found.values())


def heads_of(records: Records) -> dict[str, list[str]]:
    """Return each metric's name in short lines, with which end is better, and whether it is corrected."""
    found = {}
    for one in {one["metric"]: one for one in records}.values():
        words = re.findall(r"\w+", one["metric_title"].lower())
        if normalise("".join(words)) != one["metric"]:
            words = [one["metric"]]
        words = [part for word in words for part in textwrap.wrap(word, LONGEST)]
        sign = ARROWS[one["better"]] + (ALONE if _alone(one) else "")
        apart = sign and len(words[-1]) + len(sign) > 9
        found[one["metric"]] = [*words, sign] if apart else [*words[:-1], f"{words[-1]} {sign}".rstrip()]
    return found


def blocks(
    rows: Sequence[Row], heads: Mapping[str, Sequence[str]], width: int = WIDTH
) -> Iterator[list[str]]:
    """Yield metrics that fit side by side into so many characters, next to the rows' titles."""
    names: list[str] = []
    taken = max(len(row.title) for row in rows)
    for name in heads:
        needed = 2 + max(map(len, (*heads[name], *(row.cell(name) for row in rows))))
        if names and taken + needed > width:
            yield names
            names, taken = [], max(len(row.title) for row in rows)
        names.append(name)
        taken += needed
    yield names


def _lines(names: Sequence[str], rows: Sequence[Row], heads: Mapping[str, Sequence[str]]) -> list[str]:
    depth = max(len(heads[name]) for name in names)
    titles = [*[""] * depth, *(row.title for row in rows)]
    parts = [[f"{title:<{max(map(len, titles))}}" for title in titles]]
    for name in names:
        cells = [*[""] * (depth - len(heads[name])), *heads[name], *(row.cell(name) for row in rows)]
        parts.append([f"{cell:>{max(map(len, cells))}}" for cell in cells])
    lines = ["  ".join(line).rstrip() for line in zip(*parts, strict=True)]
    lines.insert(depth + sum(row.method for row in rows), "controls")
    return [*lines, ""]


def table(records: Records, pictures: int, notes: Sequence[str]) -> list[str]:
    """Return the tables of all layers in lines of at most 100 characters, legend and notes below."""
    lines = []
    layers = by_layer(records)
    for layer, mine in layers.items():
        rows, heads = rows_of(mine), heads_of(mine)
        lines += wrapped([f"At {layer}:"]) if len(layers) > 1 else []
        lines += [line for names in blocks(rows, heads) for line in _lines(names, rows, heads)]
    return [*lines, *wrapped([*legend(records, pictures), *notes, *unanswered(records)])]


def wrapped(lines: Iterable[str], indent: str = "  ") -> list[str]:
    """Return lines cut between words to at most 100 characters."""
    cut = textwrap.TextWrapper(WIDTH, subsequent_indent=indent, break_on_hyphens=False)
    return [part for line in lines for part in cut.wrap(line)]


def by_layer(records: Records) -> dict[str, list[Record]]:
    names = dict.fromkeys(one["layer"] for one in records)
    return {name: [one for one in records if one["layer"] == name] for name in names}


def _alone(record: Record) -> bool:
    """Return whether a number is compared, but not corrected for all that are."""
    return record["better"] != "neither" and not record["corrected"]


def legend(records: Records, pictures: int) -> list[str]:
    """Return what the marks mean, what the correction covers, and whether the pictures are too few."""
    compared = len({(one["layer"], one["method"]) for one in records if one["kind"] == "method"})
    said = []
    if decides := next((one["metric"] for one in records if one["corrected"]), ""):
        marks = (
            f"{BETTER} significantly better than every control, {NOT_BETTER} not, no mark: nothing to beat"
        )
        together = f": 2.5 % for all {compared} methods together" if compared > 1 else ""
        shown = f"; {ALONE} only shown: 2.5 % for each method, not corrected"
        said.append(f"{marks}; {NONE} no number")
        said.append(f"{decides} decides{together}{shown if any(map(_alone, records)) else ''}")
        if pictures < (needed := fewest(compared)):
            count = f"{pictures} picture{'s' * (pictures != 1)}"
            methods = f"{compared} method{'s' * (compared != 1)}"
            said.append(f"{count} can hardly show anything of {methods}: {needed} are needed")
    if any(one["kind"] == "randomised" for one in records):
        said.append(f"{TWINS}: mean of the methods' maps of a model with random weights")
    said += by_chance(records)
    return said


def by_chance(records: Records) -> list[str]:
    """Return what a map that knows nothing gets, of the metrics that say it."""
    found = {one["metric"]: one.get("uniform") for one in records}
    known = {name: value for name, value in found.items() if value is not None and math.isfinite(value)}
    told = ", ".join(f"{metric} {value:.3f}" for metric, value in known.items())
    return [f"by chance, a uniform map or a pixel anywhere gets {told}"] if known else []


def unanswered(records: Records) -> list[str]:
    """Return in words why methods have no number on some pictures, a line a metric and reason."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for one in records:
        for flag in filter(None, one["flags"] if one["kind"] == "method" else ()):
            counts = found.setdefault((one["metric"], flag), {})
            counts[one["title"]] = counts.get(one["title"], 0) + 1
    return [
        f"{metric} is left out where {flag}: {', '.join(f'{name} {n}×' for name, n in counts.items())}"
        for (metric, flag), counts in found.items()
    ]


def detail(record: Record) -> tuple[str, str]:
    """Return a number with its interval, and the controls that it is not significantly better than."""
    if not record["pictures"]:
        return "no answer", ""
    low = record["low"]
    missing = " [none]" if record["pictures"] > 1 else ""
    span = missing if low is None or math.isnan(low) else f" [{low:.3f}, {record['high']:.3f}]"
    controls = [name.partition("@")[2] or name for name in record["no_better_than"]]
    return f"{record['value']:.3f}{span}", ", ".join(controls)


def details(records: Records) -> list[str]:
    """Return every number with its interval and unbeaten controls, metric by metric, then what maps cost."""
    lines = []
    width = max(len(short(one["title"])) for one in records)
    for layer, mine in by_layer(records).items():
        for metric in dict.fromkeys(one["metric"] for one in mine):
            head = f"{metric} at {layer}: mean [95 % interval] of n pictures, = not significantly better than"
            lines += wrapped([head])
            for one in (one for one in mine if one["metric"] == metric):
                number, controls = detail(one)
                told = f"{short(one['title']):<{width}}  {number:<24} n {one['pictures']}"
                lines += wrapped([f"{told} = {controls}" if controls else told], " " * (width + 2))
        lines += wrapped([f"cost of a map at {layer}: passes beyond those all share, and seconds"])
        for one in {one["method"]: one for one in mine}.values():
            lines.append(
                f"{short(one['title']):<{width}}  {one['map_passes']:6.0f}  {one['map_seconds']:.3f}"
            )
    none = any(one["pictures"] > 1 and one["interval"] == UNSURE for one in records)
    return [*lines, "[none]: no interval would be honest"] if none else lines


def grids(records: Records) -> list[tuple[list[str], list[list[str]]]]:
    """Return header and rows of each layer's table: one row per method or control, one mark per cell."""
    found = []
    for layer, mine in by_layer(records).items():
        heads = heads_of(mine)
        rows = [[row.title, *map(row.cell, heads)] for row in rows_of(mine)]
        found.append(([f"at {layer}", *map(" ".join, heads.values())], rows))
    return found


def plain_row(record: Record) -> dict[str, Any]:
    """Return a record without the numbers of single pictures, its lists and options in words."""
    return {
        name: ", ".join(value) if isinstance(value, list)
        else options_in_text(value) if isinstance(value, Mapping) else value
        for name, value in record.items() if name not in ("values", "curves", "flags")
    }  # fmt: skip


def save(document: Mapping[str, Any], path: Path) -> Path:
    suffix = path.suffix.lower()
    if suffix == ".json":
        payload = json_text(plain(document))
    elif suffix == ".csv":
        joined = [one | {"no_better_than": " ".join(one["no_better_than"])} for one in document["results"]]
        payload = csv_text(COLUMNS, [{name: one[name] for name in COLUMNS} for one in joined])
    else:
        raise OutputError(f"Cannot write an evaluation to {path.name!r}. Use .json or .csv.")
    write_bytes(path, payload.encode("utf-8", "replace"))
    return path
