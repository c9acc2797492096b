"""`visioncam doctor`: can the maps of this model on this picture be trusted, and how should one ask?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli import describe as report
from visioncam.cli.commands.explain import METHOD
from visioncam.cli.flags import Flagged, options_of
from visioncam.cli.help import ASK, option
from visioncam.cli.json_records import explanation_record
from visioncam.cli.open_model import explainer_of, model_named, title_of
from visioncam.cli.phrasing import flag_of
from visioncam.cli.shared_flags import (
    model_flags,
    model_option,
    option_flag,
    output_flags,
    request_flags,
    request_of,
    target_option,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.pipeline.doctor import Report, examine
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar

EXAMPLES = ("visioncam doctor cat.jpg", "visioncam doctor my.keras cat.jpg --preprocess unit")


@click.command(cls=Flagged, kinds=(METHOD,), examples=EXAMPLES)
@click.argument("files", metavar="[MODEL] IMAGE", nargs=-1, required=True)
@model_option
@option(ASK, "--method", default="gradcam", show_default=True, metavar="M", help="Method it is judged on.")
@target_option
@request_flags
@option_flag
@model_flags
@output_flags
@click.pass_context
def doctor(
    context: click.Context, /, files: tuple[str, ...], model: str | None, method: str, **_: Any
) -> None:
    """Give a health report of MODEL (the embedded one by default) on IMAGE.

    Model, input, range, output, score, layer, gradient, map, and how far it depends on the class; then
    what is wrong, each with the way out, and the call to use. The exit code is 0 also where something is
    wrong: a report was asked for, and it is here; --json has "healthy" for programs.
    """
    if len(files) > 2:
        raise click.UsageError(f"a report is about one model and one picture, received {len(files)} names")
    image = files[-1]
    path = model_named(files[0] if len(files) == 2 else None, model)
    spec = registry().method(method)
    with Bar(Path(image).name) as bar:
        request = request_of(context, [spec], options_of(context, {"method": [spec]})["method"], bar)
        for error in unreadable([image], request.settings).values():
            raise error
        explainer = explainer_of(context, request, path)
        found = examine(explainer, image, request.target)
    _tell(context.obj, found, image, title_of(explainer.model, path), command_line(found, image, path))


def command_line(found: Report, image: str, model: str | None) -> str:
    """Return the suggested call as a command."""
    words = ["visioncam", "explain", image, *(["--model", model] if model else [])]
    for name, value in found.keywords.items():
        for one in value if isinstance(value, list) else [value]:
            words += [flag_of(name), str(one)]
    return shlex.join(words).replace("'…'", "…")


def _tell(output: Output, found: Report, image: str, model: str, command: str) -> None:
    output.document.update(
        model=model,
        image=image,
        healthy=found.healthy,
        facts=found.facts,
        diagnostics=[attrs.asdict(one) for one in found.diagnostics],
        suggestion={"python": found.suggestion, "command": command},
        result=explanation_record(found.explanation),
    )
    output.line((image, "bold"), f", {model}")
    for name, text in found.facts.items():
        report.line(output, name, text)
    report.tell_notes(output, [(one, ()) for one in found.diagnostics])
    if found.healthy:
        report.line(output, "healthy", ("nothing was found that speaks against the map", "green"))
    report.line(output, "use", command)
