"""An evaluation as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visioncam_core.errors import OutputError
from visioncam_core.files import as_row, write_bytes
from visioncam_core.plain_data import plain

if TYPE_CHECKING:
    from visioncam.evaluation.evaluation import Evaluation

ARROWS = {"higher": "↑", "lower": "↓", "neither": "·"}
COLUMNS = ("layer", "method", "kind", "metric", "better", "value", "low", "high", "pictures", "flagged",
           "no_better_than", "passes", "seconds", "map_passes", "map_seconds")  # fmt: skip


def table(evaluation: Evaluation) -> tuple[list[str], list[list[str]]]:
    """Return header and rows, one a subject and layer: `0.412 [0.351, 0.470] = random` a metric.

    What follows "=" are the controls that the method is no better than.
    """
    arrow = {result.metric: ARROWS[result.better] for result in evaluation.results}
    names = [f"{name} {arrow[name]}" for name in evaluation.metrics]
    header = ["layer", "method", *names, "passes", "seconds"]
    cells: dict[tuple[str, str], dict[str, str]] = {}
    ends: dict[tuple[str, str], list[str]] = {}
    for at, subject, cost, result, interval in evaluation.rows():
        key = (at.layer, subject.title)
        cells.setdefault(key, {})[result.metric] = cell(interval, evaluation.unbeaten(result), result.flagged)
        ends[key] = [f"{cost.passes:.0f}", f"{cost.seconds:.3f}"]
    rows = []
    for key, found in cells.items():
        rows.append([*key, *(found.get(name, "") for name in evaluation.metrics), *ends[key]])
    return header, rows


def unanswered(evaluation: Evaluation) -> list[str]:
    """Return in words why methods have no number on some pictures, a line a metric and reason."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for at in evaluation.layers:
        methods = {one.name: one.title for one in at.subjects if one.kind == "method"}
        for result in at.results:
            for flag in filter(None, result.flags if result.method in methods else ()):
                counts = found.setdefault((result.metric, flag), {})
                counts[methods[result.method]] = counts.get(methods[result.method], 0) + 1
    return [
        f"{metric} is left out where {flag}: {', '.join(f'{name} {n}×' for name, n in counts.items())}"
        for (metric, flag), counts in found.items()
    ]


def cell(interval: Any, unbeaten: Iterable[str], flagged: int) -> str:
    """Return a number as it stands in the table."""
    if interval.count == 0:
        return "no answer"
    span = "" if math.isnan(interval.low) else f" [{interval.low:.3f}, {interval.high:.3f}]"
    marks = [name.partition("@")[2] or name for name in unbeaten]
    marked = f" = {', '.join(marks)}" if marks else ""
    return f"{interval.value:.3f}{span}{marked}" + (f" ({flagged} flagged)" if flagged else "")


def text(evaluation: Evaluation) -> str:
    """Return the table in aligned columns, with notes below."""
    header, rows = table(evaluation)
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True))
        for row in (header, *rows)
    ]
    told = (
        f"{len(evaluation.sources)} pictures; mean [95 % bootstrap interval]; = no better than these controls"
    )
    return "\n".join([*(line.rstrip() for line in lines), told, *evaluation.notes, *unanswered(evaluation)])


def save(evaluation: Evaluation, path: Path) -> Path:
    """Write a `.json` or `.csv` file and return its path.

    Raises:
        OutputError: another suffix, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        payload = json.dumps(plain(document(evaluation)), indent=2, allow_nan=False) + "\n"
    elif suffix == ".csv":
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for record in evaluation.records():
            writer.writerow(as_row({**record, "no_better_than": " ".join(record["no_better_than"])}))
        payload = buffer.getvalue()
    else:
        raise OutputError(f"Cannot write an evaluation to {path.name!r}. Use .json or .csv.")
    write_bytes(path, payload.encode("utf-8", "replace"))
    return path


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything as plain data."""
    return {
        "model": evaluation.model,
        "pictures": list(evaluation.sources),
        "explained": {at.layer: list(at.labels) for at in evaluation.layers},
        "notes": list(evaluation.notes),
        "provenance": evaluation.provenance,
        "results": evaluation.records(),
    }
