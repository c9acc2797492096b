"""What `visioncam evaluate` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.foretell import tell_cost
from visioncam.cli.open_model import model_of, title_of
from visioncam.cli.request import keywords_of, layers_of, methods_of, names_in
from visioncam.cli.terminal import Output
from visioncam.evaluation.budget import Budget
from visioncam.evaluation.conditions import parse_condition
from visioncam.evaluation.evaluate import evaluate as run
from visioncam.evaluation.evaluation import Evaluation, document
from visioncam.evaluation.recommend import recommendation_of
from visioncam.evaluation.report import sections
from visioncam.evaluation.request import measures
from visioncam.evaluation.table import table, wrapped
from visioncam.evaluation.truth_files import boxes_of, pictures_of
from visioncam.html_report.report import report
from visioncam_core.errors import OptionError, VisionCamError
from visioncam_core.files import check_place
from visioncam_core.pipeline.explainer import Explainer
from visioncam_core.pipeline.models import mark_of
from visioncam_core.pipeline.request import Request
from visioncam_core.plain_data import plain
from visioncam_core.progress import Bar
from visioncam_core.results.provenance import entries
from visioncam_core.text import index_or_name

SUFFIXES = (".json", ".csv", ".html")


def evaluate(
    context: click.Context,
    source: str,
    model: str | None,
    metrics: str,
    target: str | None,
    class_names: str | None,
    boxes: str | None,
    recommend: bool,
    details: bool,
    file: Path | None,
    conditions: tuple[str, ...],
    recursive: bool,
    max_pixels: int,
    frame: int,
    **rest: Any,
) -> int:
    output: Output = context.obj
    for condition in conditions:
        parse_condition(condition)
    methods, layers = [spec.name for spec in methods_of(context)], layers_of(context)
    metric_names: Any = names_in(metrics)
    if not metric_names:
        raise OptionError(f"--methods and --metrics need a name, received {metrics!r}")
    if metric_names in (["all"], ["default"]):
        metric_names = metric_names[0]
    budget = {field.name: rest[field.name] for field in attrs.fields(Budget)}
    measures(metric_names, Budget(**budget), placed=boxes is not None)
    if file is not None:
        if file.suffix.lower() not in SUFFIXES:
            raise OptionError(f"-o {file} must end in one of {', '.join(SUFFIXES)}")
        check_place(file, [one for one in (model, boxes, class_names) if one])
    paths, names, failures = pictures_of(source, recursive, max_pixels, frame)
    truth, unused = (None, ()) if boxes is None else boxes_of(boxes, names)
    keywords = {**keywords_of(context.params), **budget}
    index = index_or_name(target)
    opened = model_of(context, model)
    explainer = Explainer.of(opened, Request.of(methods, keywords_of(context.params)))
    tell_cost(output, explainer, [str(path) for path in paths], None, layers, budget["seeds"])
    with Bar(source) as bar:
        found = run(
            opened, paths, methods, layers=layers, metrics=metric_names, truth=truth, target=index,
            progress=bar, **keywords,
        )  # fmt: skip
    made = found.provenance | entries(mark_of(model, opened))
    found = attrs.evolve(found, notes=(*found.notes, *unused), provenance=made)
    violated = [line for condition in conditions for line in found.check(condition)]
    _tell(output, found, title_of(opened, model), recommend, details, violated, failures)
    if file is not None and file.suffix.lower() == ".html":
        title, parts = "VisionCam evaluation", sections(found)
        output.save(file, lambda path: report(opened, paths, path, methods, title=title, sections=parts))
    elif file is not None:
        output.save(file, found.save)
    for line in violated:
        output.error(line)
    return SOME_FAILED if violated or failures else DONE


def _tell(
    output: Output,
    found: Evaluation,
    model: str,
    recommend: bool,
    details: bool,
    violated: list[str],
    failures: dict[str, str],
) -> None:
    whole = document(found)
    output.document.update(plain({**whole, "model": model, "held": violated, "failures": failures}))
    for doubt in wrapped(found.doubts):
        output.line((doubt, "bold red"))
    count = len(found.sources)
    output.line((model, "bold"), f", {count} picture{'s' * (count != 1)}")
    for line in wrapped(found.verdict[:1]):
        output.line((line, "bold"))
    for line in [*(wrapped(found.verdict[1:], "") if recommend else ()), ""]:
        output.line(line)
    notes = [] if details else ["intervals, unbeaten controls and costs: --details"]
    lines = found.details().splitlines() if details else []
    for line in (*table(whole["results"], count, notes), *lines):
        output.line(line)
    for note in found.notes:
        output.warn(note)
    for name, why in failures.items():
        output.error(f"{name}: {why}")
    if recommend:
        try:
            best = recommendation_of(found)
        except VisionCamError as error:
            output.warn(str(error))
            return
        output.document["recommendation"] = {
            "method": best.method, "layer": best.layer, "sure": best.sure, "why": best.why,
            "equals": [list(one) for one in best.equals], "passes": best.passes, "seconds": best.seconds,
        }  # fmt: skip
