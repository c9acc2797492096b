"""`visioncam doctor`: can the maps of this model on this picture be trusted, and how should one ask?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from visioncam.cli import describe as report
from visioncam.cli.chosen import refuse_idle, written
from visioncam.cli.commands.explain import METHOD
from visioncam.cli.flags import Flagged
from visioncam.cli.help import ASK, RUN, option
from visioncam.cli.json_records import explanation_record
from visioncam.cli.phrasing import FLAGS
from visioncam.cli.progress import Bar
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import (
    Question,
    class_option,
    model_flags,
    model_option,
    output_flags,
    question_flags,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.plugins.default import registry

if TYPE_CHECKING:
    from visioncam_core.pipeline.doctor import Report

EXAMPLES = ("visioncam doctor cat.jpg", "visioncam doctor my.keras cat.jpg --preprocess unit")


class DoctorCommand(Flagged):
    """`doctor`, with the options of every method as flags."""

    kinds = (METHOD,)


@click.command(cls=DoctorCommand, examples=EXAMPLES)
@click.argument("files", metavar="[MODEL] IMAGE", nargs=-1, required=True)
@model_option
@option(ASK, "--method", default="gradcam", show_default=True, metavar="M", help="Method it is judged on.")
@class_option
@question_flags
@option(RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the method, by name.")
@model_flags
@output_flags
def doctor(
    files: tuple[str, ...],
    model: str | None,
    method: str,
    extra: tuple[str, ...],
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **rest: Any,
) -> None:
    """Give a health report of MODEL (the embedded one by default) on IMAGE.

    Model, input, range, output, score, layer, gradient, map, and how far it depends on the class; then
    what is wrong, each with the way out, and the call to use. The exit code is 0 also where something is
    wrong: a report was asked for, and it is here; --json has "healthy" for programs.
    """
    context = click.get_current_context()
    output: Output = context.obj
    quiet(output)
    command = context.command
    assert isinstance(command, Flagged)
    if len(files) > 2:
        raise click.UsageError(f"a report is about one model and one picture, received {len(files)} names")
    from visioncam.cli.open_model import model_named, open_model, title_of

    image = files[-1]
    path = model_named(files[0] if len(files) == 2 else None, model)
    spec = registry().method(method)
    refuse_idle(command.generated(), rest, {"method": [spec]})
    (options,) = written(command.generated(), "method", rest, extra).options_for([spec])
    registry().make_method(spec.name, options)
    bar = Bar(Path(image).name)
    question = Question.of(bar, **rest)
    for error in unreadable([image], question.settings).values():
        raise error
    from visioncam_core.pipeline.apply import Named
    from visioncam_core.pipeline.doctor import examine
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.request import Request

    named = Named.of(*registry().make_method(spec.name, options))
    keras_model = open_model(output, path, custom_objects, allow_unsafe_model)
    with bar:
        explainer = Explainer.of(keras_model, Request((named,), question.settings))
        found = examine(explainer, image, question.target)
    _tell(output, found, image, title_of(keras_model, path), command_line(found, image, path))


def command_line(found: Report, image: str, model: str | None) -> str:
    """Return the suggested call as a command."""
    words = ["visioncam", "explain", image, *(["--model", model] if model else [])]
    for name, value in found.keywords.items():
        flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
        for one in value if isinstance(value, list) else [value]:
            words += [flag, str(one)]
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
