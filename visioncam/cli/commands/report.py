"""`visioncam report`: pictures, methods and classes in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli.commands.explain import METHOD
from visioncam.cli.describe import tell_files
from visioncam.cli.exit import DONE, SOME_FAILED, failure_of
from visioncam.cli.flags import Flagged, options_of
from visioncam.cli.help import RESULT, option
from visioncam.cli.open_model import explainer_of, title_of
from visioncam.cli.shared_flags import (
    layers_of,
    layers_option,
    methods_of,
    methods_option,
    model_flags,
    model_option,
    options_flag,
    output_flags,
    request_flags,
    request_of,
    targets_of,
    targets_option,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam.html_report.report import Report, check_path
from visioncam_core.errors import ImageError, VisionCamError, is_full
from visioncam_core.files import check_place
from visioncam_core.progress import Bar
from visioncam_core.results.provenance import model_file_mark

EXAMPLES = (
    "visioncam report cats.html cat.jpg other.jpg --targets top2",
    'visioncam report out.html *.jpg --model my.keras --methods gradcam,hirescam --title "Ward 7"',
)


@click.command(cls=Flagged, kinds=(METHOD,), examples=EXAMPLES)
@click.argument("file", metavar="OUT.html", type=click.Path(path_type=Path, readable=False), required=True)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@model_option
@methods_option
@targets_option
@request_flags
@layers_option
@option(RESULT, "--title", default="", metavar="TEXT", help="Heading of the report.")
@option(RESULT, "--colormap", default="auto", show_default=True, metavar="C", help="Colours of the maps.")
@options_flag
@model_flags
@output_flags
@click.pass_context
def report(
    context: click.Context,
    /,
    file: Path,
    images: tuple[str, ...],
    model: str | None,
    title: str,
    colormap: str,
    class_names: str | None,
    **_: Any,
) -> int:  # fmt: skip
    """Write OUT.html: every IMAGE with its maps, numbers, warnings, and where they come from.

    The file opens offline and loads nothing. In it one blends photo and map, and switches between methods
    and classes.
    """
    output: Output = context.obj
    specs, targets, layers = methods_of(context), targets_of(context), layers_of(context)
    options = options_of(context, {"method": specs})
    file = check_path(file)
    check_place(file, [*images, *(one for one in (model, class_names) if one)])
    bar = Bar()
    request = request_of(context, specs, options["method"], bar)
    bad = unreadable(images, request.settings)
    if len(bad) == len(set(images)):
        raise bad[images[0]]
    explainer = explainer_of(context, request, model)
    mark = "" if model is None else model_file_mark(model)
    found = Report(explainer, targets, layers, title=title, colormap=colormap, mark=mark)
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
        model=title_of(explainer.model, model),
        images=list(images),
        methods=[spec.name for spec in specs],
        failures=failed,
        failed=len(failed),
        files=[str(file)],
    )
    output.line(f"{len(images) - len(failed)} of {len(images)} pictures, {len(specs)} methods")
    tell_files(output, [file])
    return SOME_FAILED if failed else DONE
