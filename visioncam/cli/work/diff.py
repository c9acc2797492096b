"""What `visioncam diff` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.open_model import model_of, title_of
from visioncam.cli.request import keywords_of
from visioncam.cli.terminal import Output
from visioncam.differences.diff import diff as run
from visioncam.differences.result import NUMBERS
from visioncam.evaluation.conditions import parse_condition
from visioncam.evaluation.truth_files import pictures_of
from visioncam.html_report.report import check_path
from visioncam_core.errors import OutputError
from visioncam_core.files import check_place
from visioncam_core.pipeline.models import mark_of
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar
from visioncam_core.results.provenance import entries
from visioncam_core.text import index_or_name

SHOWN = 10  # pictures


def diff(
    context: click.Context,
    old: str,
    new: str,
    source: str,
    method: str,
    second: str | None,
    new_layer: tuple[str, ...],
    target: str | None,
    class_names: str | None,
    new_class_names: str | None,
    file: Path | None,
    report: Path | None,
    conditions: tuple[str, ...],
    recursive: bool,
    max_pixels: int,
    frame: int,
    new_preprocess: str | None,
    **_: Any,
) -> int:
    output: Output = context.obj
    registry().method(method)
    for condition in conditions:
        parse_condition(condition, NUMBERS)
    if file is not None and file.suffix.lower() not in (".json", ".csv"):
        raise OutputError(f"-o {file} ends in none of .json, .csv; choose one, or --report for a page")
    inputs = [one for one in (old, new, second, class_names, new_class_names) if one]
    for place in filter(None, (file, report and check_path(report))):
        check_place(place, inputs)
    paths, names, failures = pictures_of(source, recursive, max_pixels, frame)
    named = {"old": old, "new": new, **({"second": second} if second else {})}
    theirs = keywords_of({"layer": new_layer, "preprocess": new_preprocess, "class_names": new_class_names})
    keywords = keywords_of(context.params) | {f"new_{name}": value for name, value in theirs.items()}
    models = {which: model_of(context, path) for which, path in named.items()}
    with Bar(source, "pictures") as bar:
        found = run(
            images=paths, method=method, target=index_or_name(target), progress=bar, **models, **keywords
        )
    titles: dict[str, Any] = {which: title_of(model, named[which]) for which, model in models.items()}
    found = attrs.evolve(
        found,
        **titles,
        pictures=tuple(attrs.evolve(one, source=names[one.number]) for one in found.pictures),
        failures={**found.failures, **failures},
        provenance=found.provenance
        | {
            f"{which} {key}": value
            for which, model in models.items()
            for key, value in entries(mark_of(named[which], model)).items()
        },
    )
    violated = [line for condition in conditions for line in found.check(condition)]
    output.document.update({**found.document(), "held": violated})
    output.line(
        (found.old, "bold"), " → ", (found.new, "bold"), f", {len(found.pictures)} pictures, {found.method}"
    )
    for line in found.verdict():
        output.line(line)
    output.table(*found.by_class(), numbers=(1, 2))
    output.table(*found.by_picture(SHOWN), numbers=(0, 1))
    for note in found.notes:
        output.warn(note)
    for name, why in found.failures.items():
        output.error(f"{name}: {why}")
    if file is not None:
        output.save(file, found.save)
    if report is not None:
        output.save(report, found.save)
    for line in violated:
        output.error(line)
    return SOME_FAILED if violated or found.failures else DONE
