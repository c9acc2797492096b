"""`visioncam report`: pictures, methods and classes in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli.chosen import refuse_idle, written
from visioncam.cli.commands.compare import wanted
from visioncam.cli.commands.explain import METHOD
from visioncam.cli.describe import tell_files
from visioncam.cli.exit import DONE, SOME_FAILED, failure_of
from visioncam.cli.flags import Flagged
from visioncam.cli.help import ASK, RESULT, RUN, option
from visioncam.cli.progress import Bar
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import (
    Question,
    classes_of,
    classes_option,
    model_flags,
    model_option,
    output_flags,
    question_flags,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import ImageError, VisionCamError
from visioncam_core.files import check_place, is_full
from visioncam_core.plugins.default import registry

EXAMPLES = (
    "visioncam report cats.html cat.jpg other.jpg --class top2",
    'visioncam report out.html *.jpg --model my.keras --methods gradcam,hirescam --title "Ward 7"',
)


class ReportCommand(Flagged):
    """`report`, with the options of every method as flags."""

    kinds = (METHOD,)


@click.command(cls=ReportCommand, examples=EXAMPLES)
@click.argument("file", metavar="OUT.html", type=click.Path(path_type=Path, readable=False), required=True)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@model_option
@option(
    ASK, "--methods", default="all", show_default=True, metavar="A,B", help="Names of `visioncam methods`."
)
@classes_option
@question_flags
@option(RESULT, "--title", default="", metavar="TEXT", help="Heading of the report.")
@option(RESULT, "--colormap", default="auto", show_default=True, metavar="C", help="Colours of the maps.")
@option(
    RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the methods that have it."
)
@model_flags
@output_flags
def report(
    file: Path,
    images: tuple[str, ...],
    model: str | None,
    methods: str,
    targets: tuple[str, ...],
    title: str,
    colormap: str,
    extra: tuple[str, ...],
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **rest: Any,
) -> int:  # fmt: skip
    """Write OUT.html: every IMAGE with its maps, numbers, warnings, and where they come from.

    The file opens offline and loads nothing. In it one blends photo and map, and switches between methods
    and classes.
    """
    context = click.get_current_context()
    output: Output = context.obj
    quiet(output)
    command = context.command
    assert isinstance(command, Flagged)
    specs = wanted(methods)
    flags = command.generated()
    refuse_idle(flags, rest, {"method": specs})
    options = written(flags, "method", rest, extra).options_for(specs)
    made = [registry().make_method(spec.name, mine) for spec, mine in zip(specs, options, strict=True)]
    from visioncam.html_report.report import Report, check_path

    file = check_path(file)
    check_place(file, [*images, *(one for one in (model, rest["class_names"]) if one)])
    bar = Bar()
    question = Question.of(bar, target=None, **rest)
    bad = unreadable(images, question.settings)
    if len(bad) == len(set(images)):
        raise bad[images[0]]
    from visioncam.cli.open_model import open_model, title_of
    from visioncam_core.pipeline.apply import Named
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.request import Request
    from visioncam_core.results.provenance import model_file_mark

    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    explainer = Explainer.of(keras_model, Request(tuple(Named.of(*one) for one in made), question.settings))
    mark = "" if model is None else model_file_mark(model)
    found = Report(explainer, classes_of(targets), title=title, colormap=colormap, mark=mark)
    found.expect(len(images))
    failed = {}
    for source in images:
        bar.label = Path(source).name
        try:
            with bar:
                found.add(source)
        except VisionCamError as error:
            if len(images) == 1 or is_full(error) or not (isinstance(error, ImageError) or found.photos):
                raise
            failure = failure_of(error)
            failed[source] = failure.record()
            found.failed(source, failure.message)
            output.error(failure.message)
    file.parent.mkdir(parents=True, exist_ok=True)
    found.write(file)
    output.document.update(
        model=title_of(keras_model, model),
        images=list(images),
        methods=[spec.name for spec in specs],
        failures=failed,
        failed=len(failed),
        files=[str(file)],
    )
    output.line(f"{len(images) - len(failed)} of {len(images)} pictures, {len(specs)} methods")
    tell_files(output, [file])
    return SOME_FAILED if failed else DONE
