"""`visioncam batch`: one method, a folder, a list or an archive of pictures; interrupted is normal."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.batch.compute import Computer
from visioncam.batch.explain_dataset import BATCH
from visioncam.batch.journal import Journal, WatchedEngine
from visioncam.batch.pipeline import Engine, Local
from visioncam.batch.plan import Plan, places_of
from visioncam.batch.ray import OnRay
from visioncam.batch.request import RunRequest
from visioncam.batch.run import Run
from visioncam.batch.signals import StopSignals
from visioncam.batch.sources import source_of
from visioncam.batch.summary import Summary
from visioncam.batch.watchdog import supervise as run_watched
from visioncam.batch.write import Writing
from visioncam.cli.batch_progress import EventPrinter
from visioncam.cli.commands.explain import METHOD, RENDERER, SHEET
from visioncam.cli.exit import DONE, SOME_FAILED, STOPPED
from visioncam.cli.flags import Flagged, options_of
from visioncam.cli.help import RESULT, RUN, option, options
from visioncam.cli.open_model import model_flag, open_model
from visioncam.cli.shared_flags import (
    method_option,
    model_flags,
    model_option,
    option_flag,
    output_flags,
    request_flags,
    request_of,
    target_option,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import OptionError
from visioncam_core.pipeline.models import check_file
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar
from visioncam_core.results.provenance import model_file_mark
from visioncam_core.results.writer import KINDS, kinds_with_options, suffixes_of

EXAMPLES = (
    "visioncam batch photos/ -o maps/",
    'visioncam batch "photos/**/*.jpg" -o maps/ --model my.keras --method xgradcam --target 281',
    "visioncam batch pictures.csv -o maps/ --renderer overlay,heatmap --save-as npz,png,csv",
)


FLAGS = options(
    model_option,
    method_option,
    target_option,
    request_flags,
    option(RESULT, "-o", "--out", type=click.Path(path_type=Path, readable=False), required=True,
           metavar="FOLDER", help="Folder for the results; the same one continues."),
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="A,B",
           help="What draws the pictures, one or several; see `visioncam renderers`."),
    option(RESULT, "--save-as", default="npz,png", show_default=True, metavar="A,B",
           help=f"Kinds of files: {', '.join(KINDS)}. npz holds the raw map."),
    option(RESULT, "--spread", is_flag=True,
           help="Put the files into 256 folders, for hundreds of thousands of pictures."),
    option(RUN, "--recursive", is_flag=True, help="Look into the folder's folders, too."),
    option(RUN, "--force", is_flag=True,
           help="Do again what is finished, where model, method, option or picture changed."),
    option(RUN, "--max-errors", type=click.IntRange(0), metavar="N",
           help="More failed pictures end the run; 100 by default, or a tenth of them."),
    option(RUN, "--workers", type=click.IntRange(1, 256), default=2, show_default=True, metavar="N",
           help="Threads for decoding, and as many for writing."),
    option(RUN, "--engine", "runner", type=click.Choice(["local", "ray"]), default="local", show_default=True,
           help="Where it is computed: this process, or a Ray cluster (extra ray)."),
    option(RUN, "--address", metavar="A",
           help="Of the Ray cluster, auto for the running one; else one is started here."),
    option(RUN, "--actors", type=click.IntRange(1), default=2, show_default=True, metavar="N",
           help="Ray actors at most, each with a copy of the model."),
    option(RUN, "--gpus", type=click.FloatRange(0), default=0, show_default=True, metavar="N",
           help="GPUs of each actor."),
    option(RUN, "--supervise", is_flag=True,
           help="Start again where the process dies: with half the batch, then without the picture that "
                "kills it."),
    option(RUN, "--item-timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
           help="A picture that takes longer is an error; supervises, too."),
    option_flag,
    option(RUN, "--render-option", "render_extra", multiple=True, metavar="NAME=VALUE",
           help="Same, of the renderers that have it."),
    option(RUN, "--save-option", "save_extra", multiple=True, metavar="NAME=VALUE",
           help="Same, of the files."),
    model_flags,
    output_flags,
)  # fmt: skip


@click.command(cls=Flagged, kinds=(METHOD, RENDERER), examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def batch(
    context: click.Context,
    /,
    source: str,
    out: Path,
    recursive: bool,
    force: bool,
    max_errors: int | None,
    workers: int,
    runner: str,
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
    output: Output = context.obj
    if item_timeout is not None and runner == "ray":
        raise OptionError("--item-timeout works with --engine local alone; leave one of them out")
    journal = Journal.of_environment()
    if journal is None and (supervise or item_timeout is not None):
        return run_watched(output.words, out, output.warn, item_timeout)
    pictures = source_of(source, recursive=recursive, out=out)
    with StopSignals() as stopping, Bar(f"{rest['method']}, {source}", unit="") as bar:
        request = _request(context, out, rest)
        places = places_of(out, source=source, model=rest["model"])
        events = EventPrinter(output, bar)
        run = Run(
            pictures, out, request.facts, request.batch, force, max_errors, events, stopping.received, places
        )

        def works(plan: Plan) -> Engine:
            if runner == "ray":
                return OnRay(attrs.evolve(request, batch=plan.size), address, (1, actors), gpus)
            explainer = request.explainer(stopping.check, partial(open_model, output))
            computer = Computer(explainer, request.request.target, plan.size, plan.remember)
            local = Local(computer, request.writing, workers)
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


def _request(context: click.Context, out: Path, values: dict[str, Any]) -> RunRequest:
    spec, path = registry().method(values["method"]), values["model"]
    names = [name.strip() for name in values["renderer"].split(",") if name.strip()]
    drawn = list({found.name: found for found in map(registry().renderer, names)}.values())
    if not drawn or SHEET in [one.name for one in drawn]:
        raise OptionError(
            f"--renderer {values['renderer']!r} names nothing that draws one map; see `visioncam renderers`"
        )
    suffixes = suffixes_of(values["save_as"])
    files = [one for one in kinds_with_options() if f".{one.name}" in suffixes]
    options = options_of(context, {"method": [spec], "renderer": drawn, "file": files})
    drawings = {one.name: given for one, given in zip(drawn, options["renderer"], strict=True)}
    for name, given in drawings.items():
        registry().make_renderer(name, given)
    own = {f".{one.name}": given for one, given in zip(files, options["file"], strict=True)}
    writing = Writing(out.absolute(), suffixes, drawings, own, values["spread"])
    writing.check()
    made = request_of(context, [spec], options["method"])
    if path is not None:
        check_file(path)
    return RunRequest(
        model=None if path is None else os.path.abspath(path),
        custom_objects=model_flag("custom_objects"),
        unsafe=model_flag("allow_unsafe_model"),
        request=attrs.evolve(made, settings=attrs.evolve(made.settings, batch_size=None)),
        writing=attrs.evolve(writing, model=model_file_mark(path)),
        batch=made.settings.batch_size or BATCH,
        sha256=model_flag("sha256"),
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
