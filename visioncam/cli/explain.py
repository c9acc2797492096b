"""`visioncam explain`: one method, one or several pictures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import click

from visioncam import api
from visioncam.api import registry
from visioncam.cli import report
from visioncam.cli.asking import Question, folder_option, model_flags, output_flags, question_flags
from visioncam.cli.chosen import refuse_idle, written
from visioncam.cli.filenames import OutputNames, check_folder
from visioncam.cli.flags import Flagged, Kind
from visioncam.cli.models import open_model, title_of
from visioncam.cli.native import quiet
from visioncam.cli.outcome import BAD_INPUT, DONE, SOME_FAILED, failure_of, is_full
from visioncam.cli.pictures import unreadable
from visioncam.cli.progress import Bar
from visioncam.cli.records import explanation_record
from visioncam.cli.terminal import Output
from visioncam_core.errors import ImageError, OptionError, OutputError, VisionCamError
from visioncam_core.explainer import Explainer
from visioncam_core.explanation import Explanation
from visioncam_core.running import Named
from visioncam_core.specs import RendererSpec

SHEET = "sheet"
"""The one renderer that draws a comparison."""


def drawing() -> list[RendererSpec]:
    """Return the renderers of single explanations."""
    return [spec for spec in api.renderers() if spec.name != SHEET]


class ExplainCommand(Flagged):
    """`explain`, with the options of every method and renderer as flags."""

    kinds = (Kind("method", "Method", lambda: api.methods()), Kind("renderer", "Renderer", drawing))


@click.command(cls=ExplainCommand, short_help="Explain pictures with one method.")
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@click.option(
    "--model", metavar="FILE", help="Keras model, .keras or .h5; the embedded ImageNet model by default."
)
@click.option("--method", default="gradcam", show_default=True, metavar="M", help="See `visioncam methods`.")
@click.option(
    "--renderer", default="overlay", show_default=True, metavar="R", help="See `visioncam renderers`."
)
@folder_option
@question_flags
@click.option("--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the method, by name.")
@click.option(
    "--render-option", "render_extra", multiple=True, metavar="NAME=VALUE", help="Same, of the renderer."
)
@model_flags
@output_flags
def explain(
    images: tuple[str, ...],
    model: str | None,
    method: str,
    renderer: str,
    folder: Path,
    extra: tuple[str, ...],
    render_extra: tuple[str, ...],
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **rest: Any,
) -> int:
    """Show what in each IMAGE speaks for a class.

    Writes <name>_<method>.png into the folder of -o and says what the model sees, which layer was
    looked at and why, and what to be careful about.
    """
    context = click.get_current_context()
    output: Output = context.obj
    quiet(output)
    command = context.command
    assert isinstance(command, Flagged)
    flags = command.generated()
    spec, drawn = registry().method(method), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError("--renderer sheet draws several methods at once; use `visioncam compare`")
    refuse_idle(flags, rest, {"method": [spec], "renderer": [drawn]})
    (options,) = written(flags, "method", rest, extra).options_for([spec])
    (render_options,) = written(flags, "renderer", rest, render_extra).options_for([drawn])
    named = Named.of(*registry().make_method(spec.name, options))
    _, draw = registry().make_renderer(drawn.name, render_options)
    bar = Bar()
    question = Question.of(bar, **rest)
    check_folder(folder)
    bad = unreadable(images)
    if len(bad) == len(set(images)):
        return _all_unreadable(output, images, bad)
    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    explainer = Explainer.of(keras_model, registry(), [named], question.settings)
    names = OutputNames(folder, images)
    run = _Run(output, images, title_of(keras_model, model))
    for source in images:
        bar.label = f"{named.title}, {Path(source).name}"
        with bar:
            run.one(source, explainer, question.target, draw, names)
    return run.end()


@attrs.define(eq=False)
class _Run:
    """What became of each picture, told as it happens."""

    output: Output
    images: Sequence[str]
    model: str | None = None
    results: list[dict[str, Any]] = attrs.field(factory=list)
    failed: int = 0

    def __attrs_post_init__(self) -> None:
        self.output.document.update(model=self.model, results=self.results)

    def one(self, source: str, explainer: Explainer, target: Any, draw: object, names: OutputNames) -> None:
        """Explain one picture and write its file; a picture that cannot be explained is noted.

        Raises:
            VisionCamError: the fault is not the picture's and nothing has worked yet, so nothing will.
        """
        start = time.perf_counter()
        try:
            explanation = explainer(source, target)
            assert isinstance(explanation, Explanation)
            path = names.path_for(source, explanation.method)
            path.parent.mkdir(parents=True, exist_ok=True)
            explanation.save(path, draw)
        except VisionCamError as error:
            alone = len(self.images) == 1
            if alone or is_full(error) or not (isinstance(error, ImageError | OutputError) or self._worked):
                raise
            self.fail(source, error)
            return
        seconds = time.perf_counter() - start
        record = {
            "image": source,
            **explanation_record(explanation),
            "seconds": seconds,
            "files": [str(path)],
        }
        self.results.append(record)
        report.tell_model(self.output, source, self.model or "", explanation)
        report.tell_method(self.output, explanation)
        report.tell_notes(self.output, [(note, ()) for note in explanation.diagnostics])
        report.tell_file(self.output, path)

    def end(self) -> int:
        """Sum up and return the exit code."""
        total = len(self.images)
        self.output.document["failed"] = self.failed
        if total > 1:
            self.output.line(f"{total - self.failed} of {total} pictures explained")
        return DONE if not self.failed else SOME_FAILED if self._worked else BAD_INPUT

    @property
    def _worked(self) -> bool:
        return self.failed < len(self.results)

    def fail(self, source: str, error: VisionCamError) -> None:
        """Note that a picture could not be explained."""
        failure = failure_of(error)
        self.failed += 1
        self.results.append({"image": source, "error": failure.record()})
        self.output.error(failure.message)


def _all_unreadable(output: Output, images: Sequence[str], bad: dict[str, ImageError]) -> int:
    """Tell that not one picture can be read; nothing was done."""
    if len(images) == 1:
        raise bad[images[0]]
    run = _Run(output, images)
    for source in images:
        run.fail(source, bad[source])
    return run.end()
