"""An evaluation's records as tables for people: one row a method, one column a metric, one mark a cell."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import attrs

from visioncam_core.errors import OutputError
from visioncam_core.files import as_row, write_bytes
from visioncam_core.metrics.chance import fewest
from visioncam_core.plain_data import plain
from visioncam_core.text import normalise

Record = Mapping[str, Any]
Records = Sequence[Record]
"""What `Evaluation.records` returns."""

ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}
ALONE, BETTER, NOT_BETTER, NONE = "¹", "●", "○", "–"
TWINS = "Randomised model"
WIDTH = 100  # characters of a line
LONGEST = 14  # letters of a metric's name in one line
COLUMNS = ("layer", "method", "kind", "metric", "better", "value", "low", "high", "interval",
           "pictures", "flagged", "no_better_than", "corrected", "passes", "seconds", "map_passes",
           "map_seconds")  # fmt: skip


@attrs.frozen
class Row:
    """One row: a method, or a control."""

    title: str
    kind: str  # "method", "randomised" or "control"
    records: dict[str, list[Record]]  # metric -> its record; of the randomised model one for each method
    judged: set[str]  # metrics on which a control has a number

    def cell(self, metric: str) -> str:
        """Return a mark and a number; "–" where there is none, nothing where it was not measured."""
        found = self.records.get(metric, ())
        known = [one for one in found if one["pictures"]]
        if not known:
            return NONE if found else ""
        mark = ""
        if self.kind == "method" and known[0]["better"] != "neither" and metric in self.judged:
            mark = NOT_BETTER if known[0]["no_better_than"] else BETTER
        value = fmean(one["value"] for one in known)
        return f"{mark}{value:.3f}" if abs(value) < 100 else f"{mark}{value:.2g}"


def rows_of(records: Records) -> list[Row]:
    """Return the rows of one layer: methods, then the randomised model in one, then the other controls."""
    found: dict[str, Row] = {}
    judged = {one["metric"] for one in records if one["kind"] != "method" and one["pictures"]}
    for one in records:
        twin = one["kind"] == "randomised"
        title = TWINS if twin else one["title"]
        row = found.setdefault(TWINS if twin else one["method"], Row(title, one["kind"], {}, judged))
        row.records.setdefault(one["metric"], []).append(one)
    return list(found.values())


def head(record: Record) -> list[str]:
    """Return a metric's name in short lines, with which end is better, and whether it is corrected."""
    words = re.findall(r"\w+", record["metric_title"].lower())
    if normalise("".join(words)) != record["metric"]:
        words = textwrap.wrap(record["metric"], LONGEST)
    alone = record["better"] != "neither" and not record["corrected"]
    sign = ARROWS[record["better"]] + (ALONE if alone else "")
    if sign and len(words[-1]) + len(sign) > 9:
        return [*words, sign]
    return [*words[:-1], f"{words[-1]} {sign}".rstrip()]


def blocks(
    records: Records, width: int = WIDTH
) -> Iterator[tuple[list[str], list[Row], dict[str, list[str]]]]:
    """Yield metrics that fit side by side into so many characters, the rows, and the metrics' headers."""
    rows = rows_of(records)
    heads = {one["metric"]: head(one) for one in records}
    left = width - max(len(row.title) for row in rows)
    names: list[str] = []
    for name in heads:
        needed = 2 + _width(name, rows, heads)
        if names and needed > left - sum(2 + _width(other, rows, heads) for other in names):
            yield names, rows, heads
            names = []
        names.append(name)
    yield names, rows, heads


def _width(name: str, rows: Sequence[Row], heads: Mapping[str, Sequence[str]]) -> int:
    return max(map(len, (*heads[name], *(row.cell(name) for row in rows))))


def _lines(names: Sequence[str], rows: Sequence[Row], heads: Mapping[str, Sequence[str]]) -> Iterator[str]:
    title = max(len(row.title) for row in rows)
    widths = [_width(name, rows, heads) for name in names]

    def line(first: str, cells: Sequence[str]) -> str:
        padded = (f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        return (f"{first:<{title}}" + "".join(padded)).rstrip()

    depth = max(len(heads[name]) for name in names)
    for at in range(-depth, 0):
        yield line("", [heads[name][at] if len(heads[name]) >= -at else "" for name in names])
    for row, before in zip(rows, (None, *rows), strict=False):
        if before is not None and before.kind == "method" != row.kind:
            yield "controls"
        yield line(row.title, [row.cell(name) for name in names])


def table(records: Records, pictures: int, notes: Sequence[str]) -> list[str]:
    """Return the tables of all layers in lines of at most 100 characters, a legend below.

    Args:
        records: as `Evaluation.records` returns them.
        pictures: how many there are.
        notes: what else is said below.
    """
    lines = []
    layers = by_layer(records)
    for layer, mine in layers.items():
        lines += [f"At {layer}:"] if len(layers) > 1 else []
        for block in blocks(mine):
            lines += [*_lines(*block), ""]
    return [*lines, *wrapped([*legend(records, pictures), *notes, *unanswered(records)])]


def wrapped(lines: Iterable[str]) -> list[str]:
    """Return lines cut between words to at most 100 characters."""
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    ]


def by_layer(records: Records) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for one in records:
        found.setdefault(one["layer"], []).append(one)
    return found


def legend(records: Records, pictures: int) -> list[str]:
    """Return what the marks mean, what the correction covers, and whether the pictures are too few."""
    compared = len({(one["layer"], one["method"]) for one in records if one["kind"] == "method"})
    judged = [one for one in records if one["better"] != "neither"]
    said = []
    if judged:
        marks = f"{BETTER} surely better than every control, {NOT_BETTER} not, no mark: nothing to beat"
        said.append(f"{marks}; {NONE} no number")
        decides = next((one["metric"] for one in judged if one["corrected"]), "")
        together = f": 2.5 % for all {compared} methods together" if compared > 1 else ""
        shown = f"; {ALONE} only shown: 2.5 % for each method, not corrected"
        said.append(f"{decides} decides{together}{'' if all(one['corrected'] for one in judged) else shown}")
        if pictures < (needed := fewest(compared)):
            count = f"{pictures} picture{'s' * (pictures != 1)}"
            said.append(f"{count} can hardly show anything of {compared} methods: {needed} are needed")
    if any(one["kind"] == "randomised" for one in records):
        said.append(f"{TWINS}: mean of the methods' maps of a model with random weights")
    return said


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
    """Return a number with its interval, and the controls that it is not surely better than."""
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
    for layer, mine in by_layer(records).items():
        width = max(len(one["title"]) for one in mine)
        for metric in dict.fromkeys(one["metric"] for one in mine):
            lines.append(f"{metric} at {layer}: mean [95 % interval] of n pictures, = not surely better than")
            for one in (one for one in mine if one["metric"] == metric):
                number, controls = detail(one)
                told = f" = {controls}" if controls else ""
                line = f"{one['title']:<{width}}  {number:<24} n {one['pictures']}{told}"
                lines += textwrap.wrap(line, WIDTH, subsequent_indent=" " * (width + 2))
        lines.append(f"cost of a map at {layer}: passes beyond those all share, and seconds")
        costs = {one["title"]: one for one in mine}
        lines += [
            f"{title:<{width}}  {one['map_passes']:6.0f}  {one['map_seconds']:.3f}"
            for title, one in costs.items()
        ]
    if any(one["pictures"] > 1 and "no honest" in one["interval"] for one in records):
        lines.append("[none]: no interval would be honest")
    return lines


def markdown(records: Records) -> str:
    """Return the tables of all layers in Markdown, one row a method or control, one mark a cell."""
    layers, parts = by_layer(records), []
    for layer, mine in layers.items():
        heads = {one["metric"]: " ".join(head(one)) for one in mine}
        lines = [f"| at {layer} | {' | '.join(heads.values())} |", "|---" * (len(heads) + 1) + "|"]
        lines += [
            f"| {row.title} | {' | '.join(row.cell(name) for name in heads)} |" for row in rows_of(mine)
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def save(document: Mapping[str, Any], path: Path) -> Path:
    suffix = path.suffix.lower()
    if suffix == ".json":
        payload = json.dumps(plain(document), indent=2, allow_nan=False) + "\n"
    elif suffix == ".csv":
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for record in document["results"]:
            writer.writerow(as_row({**record, "no_better_than": " ".join(record["no_better_than"])}))
        payload = buffer.getvalue()
    else:
        raise OutputError(f"Cannot write an evaluation to {path.name!r}. Use .json or .csv.")
    write_bytes(path, payload.encode("utf-8", "replace"))
    return path
