"""`visioncam explain`: one method, one or several pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli.commands.explain_each import Run, all_unreadable
from visioncam.cli.flags import Flagged, Kind, options_of
from visioncam.cli.help import RESULT, RUN, option, options
from visioncam.cli.open_model import explainer_of, title_of
from visioncam.cli.shared_flags import (
    method_option,
    model_flags,
    model_option,
    option_flag,
    out_option,
    output_flags,
    request_flags,
    request_of,
    target_flag,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import OptionError, OutputError
from visioncam_core.files import OutputNames, check_folder
from visioncam_core.plugins.default import methods, registry, renderers
from visioncam_core.plugins.specs import RendererSpec
from visioncam_core.progress import Bar
from visioncam_core.results.provenance import model_file_mark
from visioncam_core.results.writer import KINDS, Saving, file_kind, kinds_with_options, one_file, suffixes_of
from visioncam_core.targets.resolve import stack_size

SHEET = "sheet"
"""The one renderer that draws a comparison."""


def drawing() -> list[RendererSpec]:
    """Return the renderers of single explanations."""
    return [spec for spec in renderers() if spec.name != SHEET]


METHOD = Kind("method", "Options of methods; `visioncam methods` says what they mean", methods)
RENDERER = Kind("renderer", "Options of renderers; `visioncam renderers` says what they mean", drawing)


EXAMPLES = (
    'visioncam explain cat.jpg --target "tiger cat" --method xgradcam',
    "visioncam explain *.jpg --model my.keras --target top5 -o maps/",
    "visioncam explain cat.jpg --layer block5c_add --layer top_activation --fuse max",
    "visioncam explain cat.jpg --renderer boxes --save-as png,csv --save-option threshold=otsu",
)


FLAGS = options(
    model_option,
    method_option,
    target_flag("Class to explain, index or name, or top5 for a stack of the best five; the top one by "
                "default."),
    request_flags,
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="R",
           help="What draws the map, see `visioncam renderers`."),
    out_option,
    option(RESULT, "--save-as", metavar="A,B",
           help=f"Kinds of files to write: {', '.join(KINDS)}; png by default. npz holds everything, json is "
                "COCO, txt is YOLO, gif and mp4 are for volumes and videos."),
    option_flag,
    option(RUN, "--render-option", "render_extra", multiple=True, metavar="NAME=VALUE",
           help="Same, of the renderer."),
    option(RUN, "--save-option", "save_extra", multiple=True, metavar="NAME=VALUE",
           help="Same, of the files: threshold=otsu, min_area=50, polygons=yes, fps=12."),
    model_flags,
    output_flags,
)  # fmt: skip


@click.command(cls=Flagged, kinds=(METHOD, RENDERER), examples=EXAMPLES)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@FLAGS
@click.pass_context
def explain(
    context: click.Context,
    /,
    images: tuple[str, ...],
    model: str | None,
    method: str,
    renderer: str,
    out: Path,
    save_as: str | None,
    class_names: str | None,
    **_: Any,
) -> int:  # fmt: skip
    """Show what in each IMAGE speaks for a class.

    Writes <name>_<method>.png and says what the model sees, which layer was looked at and why, and what
    to be careful about.
    """
    output: Output = context.obj
    spec, drawn = registry().method(method), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError("--renderer sheet draws several methods at once; use `visioncam compare`")
    inputs = [*images, *(one for one in (model, class_names) if one)]
    kind = file_kind(out)
    if kind is not None:
        one_file(out, images, save_as, inputs)
    else:
        check_folder(out)
    suffixes = (kind,) if kind is not None else suffixes_of(save_as or "png")
    files = [one for one in kinds_with_options() if f".{one.name}" in suffixes]
    options = options_of(context, {"method": [spec], "renderer": [drawn], "file": files})
    (drawing_options,) = options["renderer"]
    own = {f".{one.name}": given for one, given in zip(files, options["file"], strict=True)}
    saving = Saving(suffixes, drawn.name, drawing_options, own)
    bar = Bar()
    request = request_of(context, [spec], options["method"], bar)
    registry().make_renderer(drawn.name, drawing_options)
    saving.check()
    bad = unreadable(images, request.settings)
    if len(bad) == len(set(images)):
        return all_unreadable(output, images, bad)
    explainer = explainer_of(context, request, model)
    if stack_size(request.target, explainer.names) and kind is not None:
        raise OutputError(
            f"-o {str(out)!r} is one file for a stack of classes; name a folder, and the kind of file with "
            "--save-as"
        )
    names = OutputNames(out, inputs)
    run = Run(output, images, saving, out if kind is not None else names, title_of(explainer.model, model))
    run.mark = model_file_mark(model)
    for source in images:
        bar.label = f"{request.methods[0].title}, {Path(source).name}"
        with bar:
            run.one(source, explainer, request.target)
    return run.end()
