"""What `visioncam audit` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.auditing.audit import audit as run
from visioncam.auditing.findings import nothing
from visioncam.auditing.stand_out import Finding
from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.open_model import model_of, title_of
from visioncam.cli.request import keywords_of
from visioncam.cli.terminal import Output
from visioncam.evaluation.truth_files import boxes_of, pictures_of
from visioncam_core.errors import OutputError
from visioncam_core.files import check_place
from visioncam_core.pipeline.models import mark_of
from visioncam_core.plugins.default import registry
from visioncam_core.results.provenance import entries
from visioncam_core.text import index_or_name

SHOWN = 20  # pictures
FOUND = (
    "class", "place", "share", "× uniform", "× random", "chance", "hidden: falls by", "verdict", "told by",
)  # fmt: skip


def audit(
    context: click.Context,
    source: str,
    model: str | None,
    method: str,
    target: str | None,
    class_names: str | None,
    boxes: str | None,
    clusters: int,
    file: Path | None,
    recursive: bool,
    max_pixels: int,
    frame: int,
    **_: Any,
) -> int:
    output: Output = context.obj
    registry().method(method)
    if file is not None:
        if file.suffix.lower() not in (".json", ".csv", ".png"):
            raise OutputError(f"Cannot write an audit to {file.name!r}. Use .json, .csv or .png.")
        check_place(file, [one for one in (model, boxes, class_names) if one])
    paths, names, failures = pictures_of(source, recursive, max_pixels, frame)
    truth, unused = (None, ()) if boxes is None else boxes_of(boxes, names)
    keywords, index = keywords_of(context.params), index_or_name(target)
    opened = model_of(context, model)
    found = run(opened, paths, method, truth=truth, target=index, clusters=clusters, **keywords)
    found = attrs.evolve(
        found,
        notes=(*found.notes, *unused),
        pictures=tuple(attrs.evolve(one, source=names[one.number]) for one in found.pictures),
        provenance=found.provenance | entries(mark_of(model, opened)),
    )
    title = title_of(opened, model)
    output.document.update({**found.document(), "model": title, "failures": failures})
    for note in found.notes:
        output.line((note, "yellow"))
    output.line((title, "bold"), f", {len(found.pictures)} pictures, {found.layer}, {found.passes} passes")
    if found.findings:
        output.table(FOUND, map(_row, found.findings), numbers=(3, 4, 5))
    else:
        output.line(nothing(found))
    rows = []
    for one in found.pictures[:SHOWN]:
        cluster = "" if one.cluster is None else one.cluster
        rows.append((f"{one.suspicion:.1f}", one.why or "-", one.source, one.explained, cluster))
    output.table(("× uniform", "because of", "picture", "class", "cluster"), rows, numbers=(0,))
    for name, why in failures.items():
        output.error(f"{name}: {why}")
    if file is not None:
        output.save(file, found.save)
    return SOME_FAILED if failures else DONE


def _row(one: Finding) -> tuple[object, ...]:
    random = f"{one.times_random:.1f}" if one.random == one.random else ""
    return (
        f"{one.explained} ({len(one.shares)})", one.place, one.percent(), f"{one.times:.1f}", random,
        f"{one.chance:.2g}", one.falls(), one.verdict, one.told,
    )  # fmt: skip
