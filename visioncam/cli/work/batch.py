"""What `visioncam batch` does."""

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
from visioncam.cli.exit import DONE, SOME_FAILED, STOPPED
from visioncam.cli.open_model import model_flag, open_model
from visioncam.cli.option_flags import SHEET, options_of
from visioncam.cli.request import names_in, request_of
from visioncam.cli.terminal import Output
from visioncam_core.errors import OptionError
from visioncam_core.pipeline.models import check_file, is_name, located, mark_of
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar
from visioncam_core.results.writer import kinds_with_options, suffixes_of


@attrs.define(eq=False)
class EventPrinter:
    """Prints the events of a run as they come: JSON lines for programs, a bar for people."""

    output: Output
    bar: Bar
    _done: int = 0
    _total: int | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        if self.output.json:
            self.output.event(event)
            return
        kind = event["event"]
        if kind == "start":
            for note in event["notes"]:
                self.output.line((f"  {note}", "yellow"))
            self._total = event["total"]
        else:
            self._done += 1
        if kind == "failed":
            text = f"{event['key']}: {event['message']}"
            if not self.bar.say(text):
                self.output.error(text)
        self.bar(self._done, self._total)


def batch(
    context: click.Context,
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
    profile: bool,
    **rest: Any,
) -> int:
    output: Output = context.obj
    if item_timeout is not None and runner == "ray":
        raise OptionError("--item-timeout works only with --engine local; leave one of them out")
    journal = Journal.of_environment()
    if journal is None and (supervise or item_timeout is not None):
        return run_watched(output.words, out, output.warn, item_timeout)
    pictures = source_of(source, recursive=recursive, out=out)
    with StopSignals() as stopping, Bar(f"{rest['method']}, {source}", unit="") as bar:
        request = _request(context, out, rest)
        named = {"model": rest["model"]} if is_name(rest["model"]) else {}
        places = places_of(out, source=source, model=None if named else located(rest["model"])) | named
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
        _tell(output, summary)
        if profile and summary.profile:
            output.document["seconds_of"] = {kind: round(n, 3) for kind, n in summary.waits.items()}
            output.line(f"  {summary.profile}")
        if stopping.received():
            return stopping.code
    return STOPPED if summary.stopped else SOME_FAILED if summary.failures else DONE


def _request(context: click.Context, out: Path, values: dict[str, Any]) -> RunRequest:
    spec, path = registry().method(values["method"]), values["model"]
    renderers = map(registry().renderer, names_in(values["renderer"]))
    drawn = list({found.name: found for found in renderers}.values())
    if not drawn or SHEET in [one.name for one in drawn]:
        raise OptionError(
            f"--renderer {values['renderer']!r} is not a renderer of single maps; see `visioncam renderers`"
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
    trust, weights, sha256 = bool(model_flag("trust_savedmodel")), model_flag("weights"), model_flag("sha256")
    if path is not None:
        check_file(path, trust_savedmodel=trust)
    mark = mark_of(path, weights=weights, sha256=sha256)
    return RunRequest(
        model=located(path),
        custom_objects=model_flag("custom_objects"),
        unsafe=model_flag("allow_unsafe_model"),
        request=attrs.evolve(made, settings=attrs.evolve(made.settings, batch_size=None)),
        writing=attrs.evolve(writing, model=mark),
        batch=made.settings.batch_size or BATCH,
        sha256=sha256,
        trust_savedmodel=trust,
        weights=None if weights is None else os.path.abspath(weights),
    )


def _tell(output: Output, summary: Summary) -> None:
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
