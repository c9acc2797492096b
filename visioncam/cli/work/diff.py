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
OWN = ("layer", "preprocess", "class_names")  # keywords that the new model may have for itself


def diff(
    context: click.Context,
    source: str,
    method: str,
    target: str | None,
    file: Path | None,
    report: Path | None,
    conditions: tuple[str, ...],
    recursive: bool,
    max_pixels: int,
    frame: int,
    **rest: Any,
) -> int:
    output: Output = context.obj
    registry().method(method)
    for condition in conditions:
        parse_condition(condition, NUMBERS)
    if file is not None and file.suffix.lower() not in (".json", ".csv"):
        raise OutputError(f"-o {file} must end in .json or .csv; for a page use --report")
    named = {which: rest[which] for which in ("old", "new", "second") if rest[which]}
    files = [*filter(None, (file, report and check_path(report)))]
    for place in files:
        check_place(place, [*named.values(), *filter(None, (rest["class_names"], rest["new_class_names"]))])
    paths, names, failures = pictures_of(source, recursive, max_pixels, frame)
    keywords = keywords_of(context.params)
    keywords |= {
        f"new_{name}": value for name, value in keywords_of({n: rest[f"new_{n}"] for n in OWN}).items()
    }
    models = {which: model_of(context, path) for which, path in named.items()}
    with Bar(source, "pictures") as bar:
        found = run(
            images=paths, method=method, target=index_or_name(target), progress=bar, **models, **keywords
        )
    titles: dict[str, Any] = {which: title_of(model, named[which]) for which, model in models.items()}
    made = dict(found.provenance)
    for which, model in models.items():
        made |= {f"{which} {key}": value for key, value in entries(mark_of(named[which], model)).items()}
    pictures = tuple(attrs.evolve(one, source=names[one.number]) for one in found.pictures)
    failures = {**found.failures, **failures}
    found = attrs.evolve(found, **titles, pictures=pictures, failures=failures, provenance=made)
    violated = [line for condition in conditions for line in found.check(condition)]
    output.document.update({**found.document(), "held": violated})
    layers = ", ".join(dict.fromkeys(found.layers))
    output.line(
        (f"{found.old} → {found.new}", "bold"), f", {len(pictures)} pictures, {found.method} at {layers}"
    )
    for line in found.verdict():
        output.line(line)
    output.table(*found.by_class(), numbers=(1, 2))
    output.table(*found.by_picture(SHOWN), numbers=(0, 1))
    for note in found.notes:
        output.line(("note: ", "yellow"), note)
    for name, why in failures.items():
        output.error(f"{name}: {why}")
    for place in files:
        output.save(place, found.save)
    output.document["files"] = [str(place) for place in files]
    for line in violated:
        output.error(line)
    return SOME_FAILED if violated or failures else DONE
