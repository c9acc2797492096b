"""What `visioncam report` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from visioncam.cli.describe import tell_files
from visioncam.cli.exit import DONE, SOME_FAILED, failure_of
from visioncam.cli.foretell import tell_cost
from visioncam.cli.open_model import explainer_of, title_of
from visioncam.cli.option_flags import options_of
from visioncam.cli.request import layers_of, methods_of, request_of, targets_of, unreadable
from visioncam.cli.terminal import Output
from visioncam.html_report.report import Report, check_path
from visioncam_core.errors import ImageError, VisionCamError, is_full
from visioncam_core.files import check_place
from visioncam_core.pipeline.models import is_embedded, mark_of
from visioncam_core.pipeline.request import one_pass
from visioncam_core.progress import Bar


def report(
    context: click.Context,
    file: Path,
    images: tuple[str, ...],
    model: str | None,
    title: str,
    colormap: str,
    class_names: str | None,
    **_: Any,
) -> int:
    output: Output = context.obj
    specs, targets, layers = methods_of(context, one_pass()), targets_of(context), layers_of(context)
    options = options_of(context, {"method": specs})
    file = check_path(file)
    check_place(file, [*images, *(one for one in (model, class_names) if one)])
    bar = Bar()
    request = request_of(context, specs, options["method"], bar)
    bad = unreadable(images, request.settings)
    if len(bad) == len(set(images)):
        raise bad[images[0]]
    explainer = explainer_of(context, request, model)
    mark = "" if is_embedded(model) else mark_of(model, explainer.model)
    named = context.params["method"] or context.get_parameter_source("methods") is not ParameterSource.DEFAULT
    good = [image for image in images if image not in bad]
    tell_cost(output, explainer, good, targets, layers)
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
    more = "" if named else " that need one pass; --methods all for the paper's nine"
    output.line(f"{len(images) - len(failed)} of {len(images)} pictures, {len(specs)} methods{more}")
    tell_files(output, [file])
    return SOME_FAILED if failed else DONE
