"""`visioncam explain`: one method, one or several pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from visioncam.cli.chosen import refuse_idle, written
from visioncam.cli.flags import Flagged, Kind
from visioncam.cli.help import ASK, RESULT, RUN, option
from visioncam.cli.progress import Bar
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import (
    Question,
    model_flags,
    model_option,
    out_option,
    output_flags,
    question_flags,
    stack_option,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import OptionError, OutputError
from visioncam_core.files import OutputNames, check_folder
from visioncam_core.plugins.default import methods, registry, renderers
from visioncam_core.results.writer import KINDS, Saving, file_kind, kinds_with_options, one_file, suffixes_of

if TYPE_CHECKING:
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.plugins.specs import MethodSpec, RendererSpec

SHEET = "sheet"
"""The one renderer that draws a comparison."""


def drawing() -> list[RendererSpec]:
    """Return the renderers of single explanations."""
    return [spec for spec in renderers() if spec.name != SHEET]


METHOD = Kind("method", "Options of methods; `visioncam methods` says what they mean", methods)
RENDERER = Kind("renderer", "Options of renderers; `visioncam renderers` says what they mean", drawing)


class ExplainCommand(Flagged):
    """`explain`, with the options of every method and renderer as flags."""

    kinds = (METHOD, RENDERER)


EXAMPLES = (
    'visioncam explain cat.jpg --class "tiger cat" --method xgradcam',
    "visioncam explain *.jpg --model my.keras --class top5 -o maps/",
    "visioncam explain cat.jpg --layer block5c_add --layer top_activation --fuse max",
    "visioncam explain cat.jpg --renderer boxes --save-as png,csv --save-option threshold=otsu",
)


@click.command(cls=ExplainCommand, examples=EXAMPLES)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@model_option
@option(ASK, "--method", default="gradcam", show_default=True, metavar="M", help="See `visioncam methods`.")
@stack_option
@question_flags
@option(
    RESULT,
    "--renderer",
    default="overlay",
    show_default=True,
    metavar="R",
    help="What draws the map, see `visioncam renderers`.",
)
@out_option
@option(
    RESULT,
    "--save-as",
    metavar="A,B",
    help=f"Kinds of files to write: {', '.join(KINDS)}; png by default. npz holds everything, json is "
    "COCO, txt is YOLO, gif and mp4 are for volumes and videos.",
)
@option(RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the method, by name.")
@option(
    RUN, "--render-option", "render_extra", multiple=True, metavar="NAME=VALUE", help="Same, of the renderer."
)
@option(
    RUN,
    "--save-option",
    "save_extra",
    multiple=True,
    metavar="NAME=VALUE",
    help="Same, of the files: threshold=otsu, min_area=50, polygons=yes, fps=12.",
)
@model_flags
@output_flags
def explain(
    images: tuple[str, ...],
    model: str | None,
    method: str,
    renderer: str,
    out: Path,
    save_as: str | None,
    extra: tuple[str, ...],
    render_extra: tuple[str, ...],
    save_extra: tuple[str, ...],
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **rest: Any,
) -> int:  # fmt: skip
    """Show what in each IMAGE speaks for a class.

    Writes <name>_<method>.png and says what the model sees, which layer was looked at and why, and what
    to be careful about.
    """
    context = click.get_current_context()
    output: Output = context.obj
    quiet(output)
    command = context.command
    assert isinstance(command, Flagged)
    spec, drawn = registry().method(method), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError("--renderer sheet draws several methods at once; use `visioncam compare`")
    inputs = [*images, *(one for one in (model, rest["class_names"]) if one)]
    kind = file_kind(out)
    if kind is not None:
        one_file(out, images, save_as, inputs)
    else:
        check_folder(out)
    suffixes = (kind,) if kind is not None else suffixes_of(save_as or "png")
    options, saving = _chosen(command, rest, spec, drawn, suffixes, extra, render_extra, save_extra)
    bar = Bar()
    question = Question.of(bar, **rest)
    bad = unreadable(images, question.settings)
    from visioncam.cli.commands.explain_each import Run, all_unreadable

    if len(bad) == len(set(images)):
        return all_unreadable(output, images, bad)
    from visioncam.cli.open_model import open_model, title_of
    from visioncam_core.pipeline.apply import Named
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.request import Request
    from visioncam_core.results.provenance import model_file_mark
    from visioncam_core.targets.resolve import stack_size

    named = Named.of(*registry().make_method(spec.name, options))
    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    explainer: Explainer = Explainer.of(keras_model, Request((named,), question.settings))
    if stack_size(question.target, explainer.names) and kind is not None:
        raise OutputError(
            f"-o {str(out)!r} is one file for a stack of classes; name a folder, and the kind of file with "
            "--save-as"
        )
    names = OutputNames(out, inputs)
    run = Run(output, images, saving, out if kind is not None else names, title_of(keras_model, model))
    run.mark = model_file_mark(model)
    for source in images:
        bar.label = f"{named.title}, {Path(source).name}"
        with bar:
            run.one(source, explainer, question.target)
    return run.end()


def _chosen(
    command: Flagged,
    values: dict[str, Any],
    spec: MethodSpec,
    drawn: RendererSpec,
    suffixes: tuple[str, ...],
    extra: tuple[str, ...],
    render_extra: tuple[str, ...],
    save_extra: tuple[str, ...],
) -> tuple[dict[str, object], Saving]:
    """Return the method's options and what is written, all checked before anything is computed."""
    flags = command.generated()
    files = [one for one in kinds_with_options() if f".{one.name}" in suffixes]
    refuse_idle(flags, values, {"method": [spec], "renderer": [drawn]})
    (options,) = written(flags, "method", values, extra).options_for([spec])
    (drawing_options,) = written(flags, "renderer", values, render_extra).options_for([drawn])
    file_options = written((), "file", {}, save_extra).options_for(files)
    own = {f".{one.name}": given for one, given in zip(files, file_options, strict=True)}
    saving = Saving(suffixes, drawn.name, drawing_options, own)
    registry().make_method(spec.name, options)
    registry().make_renderer(drawn.name, drawing_options)
    saving.check()
    return options, saving
