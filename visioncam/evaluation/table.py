"""An evaluation's records as a table, text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from visioncam_core.errors import OutputError
from visioncam_core.files import as_row, write_bytes
from visioncam_core.plain_data import plain

Records = Sequence[Mapping[str, Any]]
"""What `Evaluation.records` returns."""

ARROWS = {"higher": "↑", "lower": "↓", "neither": "·"}
ALONE = "¹"
COLUMNS = ("layer", "method", "kind", "metric", "better", "value", "low", "high", "interval",
           "pictures", "flagged", "no_better_than", "corrected", "passes", "seconds", "map_passes",
           "map_seconds")  # fmt: skip


def table(records: Records) -> tuple[list[str], list[list[str]]]:
    """Return header and rows, one a subject and layer: `0.412 [0.351, 0.470] = random` a metric.

    What follows "=" are the controls that the method is not surely better than.
    """
    arrows = {one["metric"]: ARROWS[one["better"]] for one in records}
    alone = {one["metric"] for one in records if one["better"] != "neither" and not one["corrected"]}
    names = [f"{name} {arrow}{ALONE if name in alone else ''}" for name, arrow in arrows.items()]
    header = ["layer", "method", *names, "passes", "seconds"]
    cells: dict[tuple[str, str], dict[str, str]] = {}
    costs: dict[tuple[str, str], list[str]] = {}
    for one in records:
        key = (one["layer"], one["title"])
        cells.setdefault(key, {})[one["metric"]] = cell(one)
        costs[key] = [f"{one['map_passes']:.0f}", f"{one['map_seconds']:.3f}"]
    return header, [
        [*key, *(found.get(name, "") for name in arrows), *costs[key]] for key, found in cells.items()
    ]


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


def cell(record: Mapping[str, Any]) -> str:
    """Return a number as it stands in the table."""
    if record["pictures"] == 0:
        return "no answer"
    missing = " [none]" if record["pictures"] > 1 else ""
    span = missing if math.isnan(record["low"]) else f" [{record['low']:.3f}, {record['high']:.3f}]"
    marks = [name.partition("@")[2] or name for name in record["no_better_than"]]
    marked = f" = {', '.join(marks)}" if marks else ""
    flagged = f" ({record['flagged']} flagged)" if record["flagged"] else ""
    return f"{record['value']:.3f}{span}{marked}{flagged}"


def legend(records: Records, pictures: int) -> str:
    """Return what the cells of the table mean, and which metric the correction covers."""
    compared = {(one["layer"], one["method"]) for one in records if one["kind"] == "method"}
    said = [f"{pictures} pictures; mean [95 % interval]"]
    if any(one["pictures"] > 1 and math.isnan(one["low"]) for one in records):
        said.append("[none]: no interval would be honest")
    decides = next((one["metric"] for one in records if one["corrected"]), None)
    if decides is not None:
        said.append("= not surely better than these controls")
        said.append(f"{decides} decides: 2.5 % for all {len(compared)} methods together")
    if any(one["better"] != "neither" and not one["corrected"] for one in records):
        said.append(f"{ALONE} only shown: 2.5 % for each method, not corrected")
    said += by_chance(records)
    return "; ".join(said)


def text(records: Records, pictures: int, notes: Sequence[str]) -> str:
    """Return the table in aligned columns, with notes below."""
    header, rows = table(records)
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True))
        for row in (header, *rows)
    ]
    said = legend(records, pictures)
    return "\n".join([*(line.rstrip() for line in lines), said, *notes, *unanswered(records)])


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


def by_chance(records: Records) -> list[str]:
    """Return what a map that knows nothing gets, of the metrics that say it."""
    found = {one["metric"]: one["uniform"] for one in records if not math.isnan(one["uniform"])}
    told = ", ".join(f"{metric} {value:.3f}" for metric, value in found.items())
    return [f"by chance, a uniform map or a pixel anywhere gets {told}"] if found else []
