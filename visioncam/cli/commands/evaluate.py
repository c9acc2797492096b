"""`visioncam evaluate`: which of the maps can be trusted on these pictures?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.help import ASK, RESULT, RUN, Command, option, options
from visioncam.cli.open_model import opened, title_of
from visioncam.cli.shared_flags import (
    boxes_option,
    described_flag,
    keyword_flag,
    keywords_of,
    layers_of,
    methods_of,
    methods_option,
    model_flags,
    model_option,
    names_option,
    output_flags,
    picture_flags,
    target_flag,
)
from visioncam.cli.terminal import Output
from visioncam.evaluation.conditions import parse_condition
from visioncam.evaluation.evaluate import evaluate as run
from visioncam.evaluation.evaluation import Evaluation, document
from visioncam.evaluation.recommend import recommended
from visioncam.evaluation.report import sections
from visioncam.evaluation.request import Budget, measures
from visioncam.evaluation.table import table, unanswered
from visioncam.evaluation.truth_files import boxes_of, pictures_of
from visioncam.html_report.report import report
from visioncam_core.errors import OptionError, VisionCamError
from visioncam_core.files import check_place
from visioncam_core.options.fields import describe_options
from visioncam_core.plain_data import plain
from visioncam_core.progress import Bar
from visioncam_core.results.provenance import entries, model_file_mark
from visioncam_core.text import index_or_name

EXAMPLES = (
    "visioncam evaluate photos/",
    "visioncam evaluate photos/ --model my.keras --methods gradcam,xgradcam --metrics all -o evaluation.csv",
    'visioncam evaluate photos/ --boxes boxes.csv --fail-if "pointing_game < 0.6"',
)
BUDGET = {info.name: info for info in describe_options(Budget)}
SUFFIXES = (".json", ".csv", ".html")


def _one_layer(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    if len(values) > 1:
        raise click.UsageError(
            "several --layer are fused, and a metric looks at one layer; to measure them one by one write "
            f"--layers {','.join(values)}"
        )
    return values


FLAGS = options(
    model_option,
    methods_option,
    option(ASK, "--metrics", default="default", show_default=True, metavar="A,B",
           help="See `visioncam metrics`; or all."),
    option(ASK, "--layer", multiple=True, metavar="L", callback=_one_layer,
           help="One layer, see `visioncam layers`; chosen by default."),
    option(ASK, "--layers", multiple=True, metavar="A,B", help="Several layers, measured one by one."),
    target_flag("Class, index or name; each picture's top one by default."),
    names_option,
    boxes_option,
    option(ASK, "--recommend", is_flag=True, help="Say which method and layer to use, and why."),
    option(RESULT, "-o", "--out", "file", type=click.Path(path_type=Path, readable=False), metavar="FILE",
           help="Table as .csv, everything as .json, or a report as .html."),
    option(RESULT, "--fail-if", "conditions", multiple=True, metavar="COND",
           help="Exit with 3 where this holds of a method, such as 'pointing_game < 0.6'."),
    described_flag(RUN, BUDGET["steps"], metavar=None),
    described_flag(RUN, BUDGET["seeds"], metavar=None),
    described_flag(RUN, BUDGET["cascade"], metavar=None),
    described_flag(RUN, BUDGET["patience"]),
    option(RUN, "--recursive", is_flag=True, help="Look into the folder's folders, too."),
    picture_flags,
    keyword_flag(RUN, "batch_size", help="Pictures in one pass."),
    keyword_flag(RUN, "seed", help="Of whatever is drawn."),
    model_flags,
    output_flags,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def evaluate(
    context: click.Context,
    /,
    source: str,
    model: str | None,
    metrics: str,
    target: str | None,
    class_names: str | None,
    boxes: str | None,
    recommend: bool,
    file: Path | None,
    conditions: tuple[str, ...],
    recursive: bool,
    max_pixels: int,
    frame: int,
    **rest: Any,
) -> int:  # fmt: skip
    """Measure the maps of every method on the pictures of SOURCE: a folder, a 'pattern' or a list.

    A random map, a centred Gaussian, the picture's edges, Fake-CAM and each method on a randomised copy of
    the model stand beside them; what is no better than one of these is marked. The exit code is 3 where a
    --fail-if holds or a picture could not be read.
    """
    output: Output = context.obj
    for condition in conditions:
        parse_condition(condition)
    methods, layers = [spec.name for spec in methods_of(context)], layers_of(context)
    budget = {name: rest[name] for name in BUDGET}
    measures(_words(metrics), Budget(**budget), placed=boxes is not None)
    if file is not None:
        if file.suffix.lower() not in SUFFIXES:
            raise OptionError(f"-o {file} ends in none of {', '.join(SUFFIXES)}; choose one")
        check_place(file, [one for one in (model, boxes, class_names) if one])
    paths, names, failures = pictures_of(source, recursive, max_pixels, frame)
    truth = None if boxes is None else boxes_of(boxes, names)
    keywords = {**keywords_of(context.params), **budget}
    index = index_or_name(target)
    keras_model = opened(context, model)
    with Bar(source) as bar:
        found = run(
            keras_model, paths, methods, layers=layers, metrics=_words(metrics), truth=truth, target=index,
            progress=bar, **keywords,
        )  # fmt: skip
    found = attrs.evolve(found, provenance=found.provenance | entries(model_file_mark(model)))
    violated = [line for condition in conditions for line in found.check(condition)]
    _tell(output, found, title_of(keras_model, model), recommend, violated, failures)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix.lower() == ".html":
            report(keras_model, paths, file, methods, title="VisionCam evaluation", sections=sections(found))
        else:
            found.save(file)
        output.document["files"] = [str(file)]
        output.line(("wrote ", "bold"), str(file))
    for line in violated:
        output.error(line)
    return SOME_FAILED if violated or failures else DONE


def _words(text: str) -> Any:
    """Return names as a list, or "all" or "default" alone.

    Raises:
        OptionError: there is no name.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise OptionError(f"--methods and --metrics need a name, received {text!r}")
    return names[0] if names in (["all"], ["default"]) else names


def _checked(file: Path, inputs: list[str]) -> Path:
    if file.suffix.lower() not in SUFFIXES:
        raise OptionError(f"-o {file} ends in none of {', '.join(SUFFIXES)}; choose one")
    check_place(file, inputs)
    return file


def _tell(
    output: Output,
    found: Evaluation,
    model: str,
    recommend: bool,
    violated: list[str],
    failures: dict[str, str],
) -> None:
    whole = document(found)
    output.document.update(plain({**whole, "model": model, "held": violated, "failures": failures}))
    output.line((model, "bold"), f", {len(found.sources)} pictures; mean [95 % interval]; = no better than")
    header, rows = table(whole["results"])
    output.table(header, rows)
    for note in (*found.notes, *unanswered(whole["results"])):
        output.warn(note)
    for name, why in failures.items():
        output.error(f"{name}: {why}")
    if recommend:
        try:
            best = recommended(found)
        except VisionCamError as error:
            output.warn(str(error))
            return
        output.document["recommendation"] = {
            "method": best.method, "layer": best.layer, "sure": best.sure, "why": best.why,
            "equals": [list(one) for one in best.equals], "passes": best.passes, "seconds": best.seconds,
        }  # fmt: skip
        for line in str(best).splitlines():
            output.line(line)
