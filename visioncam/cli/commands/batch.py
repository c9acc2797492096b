"""`visioncam batch`: one method, a folder, a list or an archive of pictures; interrupted is normal."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from visioncam.cli.batch_progress import Told
from visioncam.cli.chosen import refuse_idle, written
from visioncam.cli.commands.explain import METHOD, RENDERER, SHEET
from visioncam.cli.exit import DONE, SOME_FAILED, STOPPED
from visioncam.cli.flags import Flagged
from visioncam.cli.help import ASK, RESULT, RUN, option
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import (
    Question,
    class_option,
    model_flags,
    model_option,
    output_flags,
    question_flags,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import OptionError
from visioncam_core.plugins.default import registry
from visioncam_core.results.writer import KINDS, kinds_with_options, suffixes_of

if TYPE_CHECKING:
    from visioncam.batch.request import RunRequest
    from visioncam.batch.summary import Summary


class BatchCommand(Flagged):
    """`batch`, with the options of every method and renderer as flags."""

    kinds = (METHOD, RENDERER)


EXAMPLES = (
    "visioncam batch photos/ -o maps/",
    'visioncam batch "photos/**/*.jpg" -o maps/ --model my.keras --method xgradcam --class 281',
    "visioncam batch pictures.csv -o maps/ --renderer overlay,heatmap --save-as npz,png,csv",
)


@click.command(cls=BatchCommand, examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@model_option
@option(ASK, "--method", default="gradcam", show_default=True, metavar="M", help="See `visioncam methods`.")
@class_option
@question_flags
@option(
    RESULT,
    "-o",
    "--out",
    type=click.Path(path_type=Path, readable=False),
    required=True,
    metavar="FOLDER",
    help="Folder for the results; the same one continues.",
)
@option(
    RESULT,
    "--renderer",
    default="overlay",
    show_default=True,
    metavar="A,B",
    help="What draws the pictures, one or several; see `visioncam renderers`.",
)
@option(
    RESULT,
    "--save-as",
    default="npz,png",
    show_default=True,
    metavar="A,B",
    help=f"Kinds of files: {', '.join(KINDS)}. npz holds the raw map.",
)
@option(
    RESULT,
    "--spread",
    is_flag=True,
    help="Put the files into 256 folders, for hundreds of thousands of pictures.",
)
@option(RUN, "--recursive", is_flag=True, help="Look into the folder's folders, too.")
@option(
    RUN,
    "--force",
    is_flag=True,
    help="Do again what is finished, where model, method, option or picture changed.",
)
@option(
    RUN,
    "--max-errors",
    type=click.IntRange(0),
    metavar="N",
    help="More failed pictures end the run; 100 by default, or a tenth of them.",
)
@option(
    RUN,
    "--workers",
    type=click.IntRange(1, 256),
    default=2,
    show_default=True,
    metavar="N",
    help="Threads for decoding, and as many for writing.",
)
@option(
    RUN,
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where it is computed: this process, or a Ray cluster (extra ray).",
)
@option(
    RUN,
    "--address",
    metavar="A",
    help="Of the Ray cluster, auto for the running one; else one is started here.",
)
@option(
    RUN,
    "--actors",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    metavar="N",
    help="Ray actors at most, each with a copy of the model.",
)
@option(
    RUN,
    "--gpus",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="GPUs of each actor.",
)
@option(
    RUN,
    "--supervise",
    is_flag=True,
    help="Start again where the process dies: with half the batch, then without the picture that kills it.",
)
@option(
    RUN,
    "--item-timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="A picture that takes longer is an error; supervises, too.",
)
@option(RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the method, by name.")
@option(
    RUN,
    "--render-option",
    "render_extra",
    multiple=True,
    metavar="NAME=VALUE",
    help="Same, of the renderers that have it.",
)
@option(RUN, "--save-option", "save_extra", multiple=True, metavar="NAME=VALUE", help="Same, of the files.")
@model_flags
@output_flags
def batch(
    source: str,
    out: Path,
    recursive: bool,
    force: bool,
    max_errors: int | None,
    workers: int,
    engine: str,
    address: str | None,
    actors: int,
    gpus: float,
    supervise: bool,
    item_timeout: float | None,
    **rest: Any,
) -> int:  # fmt: skip
    """Explain every picture of SOURCE: a folder, a 'pattern', a .txt or .csv list, or a .tar archive.

    Writes the raw map and a picture of each, and a line into manifest.jsonl; pictures that fail have a
    line in errors.jsonl. The same command continues where it was interrupted.
    """
    context = click.get_current_context()
    output: Output = context.obj
    quiet(output)
    from visioncam.batch.compute import Computer
    from visioncam.batch.journal import Journal, WatchedEngine
    from visioncam.batch.pipeline import Engine, Local
    from visioncam.batch.plan import Plan, places_of
    from visioncam.batch.run import Run
    from visioncam.batch.signals import StopSignals
    from visioncam.batch.sources import source_of
    from visioncam.batch.watchdog import supervise as run_watched
    from visioncam.cli.open_model import open_model

    if item_timeout is not None and engine == "ray":
        raise OptionError("--item-timeout works with --engine local alone; leave one of them out")
    journal = Journal.of_environment()
    if journal is None and (supervise or item_timeout is not None):
        return run_watched(output.words, out, output.warn, item_timeout)
    pictures = source_of(source, recursive=recursive, out=out)
    with StopSignals() as stopping, Told(output, f"{rest['method']}, {source}") as told:
        recipe = recipe_of(context, out, rest)
        places = places_of(out, source=source, model=rest["model"])
        run = Run(
            pictures, out, recipe.facts, recipe.batch, force, max_errors, told, stopping.received, places
        )

        def works(plan: Plan) -> Engine:
            if engine == "ray":
                from visioncam.batch.ray import OnRay

                return OnRay(recipe.sized(plan.size), address, (1, actors), gpus)
            explainer = recipe.explainer(stopping.check, partial(open_model, output))
            computer = Computer(explainer, recipe.target, plan.size, plan.remember)
            local = Local(computer, recipe.writing, workers)
            return local if journal is None else WatchedEngine(local, journal)

        try:
            summary = run(works)
        except KeyboardInterrupt:
            if not stopping.received():
                raise
            summary = run.summary
            summary.stopped = "interrupted"
        _end(output, summary)
        if stopping.received():
            return stopping.code
    return STOPPED if summary.stopped else SOME_FAILED if summary.failures else DONE


def recipe_of(context: click.Context, out: Path, values: dict[str, Any]) -> RunRequest:
    """Return what is asked, checked; loads no TensorFlow.

    Raises:
        VisionCamError: naming what cannot be.
    """
    from visioncam.batch.explain_dataset import BATCH
    from visioncam.batch.request import RunRequest
    from visioncam.batch.write import Writing
    from visioncam_core.results.provenance import model_file_mark

    command = context.command
    assert isinstance(command, Flagged)
    flags = command.generated()
    spec = registry().method(values["method"])
    names = [name.strip() for name in values["renderer"].split(",") if name.strip()]
    drawn = list({found.name: found for found in map(registry().renderer, names)}.values())
    if not drawn or SHEET in [one.name for one in drawn]:
        raise OptionError(
            f"--renderer {values['renderer']!r} names nothing that draws one map; see `visioncam renderers`"
        )
    suffixes = suffixes_of(values["save_as"])
    files = [one for one in kinds_with_options() if f".{one.name}" in suffixes]
    refuse_idle(flags, values, {"method": [spec], "renderer": drawn})
    (options,) = written(flags, "method", values, values["extra"]).options_for([spec])
    drawing = written(flags, "renderer", values, values["render_extra"]).options_for(drawn)
    own = written((), "file", {}, values["save_extra"]).options_for(files)
    for one, given in zip(drawn, drawing, strict=True):
        registry().make_renderer(one.name, given)
    writing = Writing(
        out.absolute(),
        suffixes,
        {one.name: given for one, given in zip(drawn, drawing, strict=True)},
        {f".{one.name}": given for one, given in zip(files, own, strict=True)},
        values["spread"],
    )
    writing.check()
    question = Question.of(**values)
    if values["model"] is not None:
        registry().engine_for_file(values["model"]).check_file(values["model"])
    writing = attrs.evolve(writing, model=model_file_mark(values["model"]))
    return RunRequest(
        model=None if values["model"] is None else os.path.abspath(values["model"]),
        custom_objects=values["custom_objects"],
        unsafe=values["allow_unsafe_model"],
        method=spec.name,
        options=options,
        target=question.target,
        settings=attrs.evolve(question.settings, batch_size=None),
        writing=writing,
        batch=question.settings.batch_size or BATCH,
    )


def _end(output: Output, summary: Summary) -> None:
    output.document.update(
        event="end",
        folder=str(summary.folder),
        done=summary.done,
        skipped=summary.skipped,
        failed=dict(summary.failed),
        seconds=round(summary.seconds, 3),
        stopped=summary.stopped,
    )
    output.line(str(summary))
