"""`visioncam compare`: several methods, one picture, one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from visioncam.cli import describe as report
from visioncam.cli.chosen import refuse_idle, written
from visioncam.cli.commands.explain import METHOD, SHEET, drawing
from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.flags import Flagged, Kind
from visioncam.cli.help import ASK, RESULT, RUN, option
from visioncam.cli.json_records import explanation_record
from visioncam.cli.phrasing import in_flags
from visioncam.cli.progress import Bar
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import (
    Question,
    classes_of,
    classes_option,
    model_flags,
    model_option,
    output_flags,
    question_flags,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import ModelError, OptionError
from visioncam_core.files import check_file
from visioncam_core.plugins.default import methods as all_methods
from visioncam_core.plugins.default import registry
from visioncam_core.results.describe import shared_notes

if TYPE_CHECKING:
    from visioncam_core.results.comparison import Comparison, Comparisons


class CompareCommand(Flagged):
    """`compare`, with the options of every method, of the page and of its tiles as flags."""

    kinds = (
        METHOD,
        Kind("sheet", "Options of the page", lambda: [registry().renderer(SHEET)]),
        Kind("renderer", "Options of its tiles; `visioncam renderers` says what they mean", drawing),
    )


EXAMPLES = (
    'visioncam compare cat.jpg --class "tiger cat" -o compare.png',
    "visioncam compare cat.jpg --model my.keras --methods gradcam,scorecam --renderer heatmap",
    "visioncam compare *.jpg --methods gradcam,hirescam --class top2 --layer -1 --layer 40 --each-layer",
)


@click.command(cls=CompareCommand, examples=EXAMPLES)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@model_option
@option(
    ASK, "--methods", default="all", show_default=True, metavar="A,B", help="Names of `visioncam methods`."
)
@classes_option
@question_flags
@option(
    ASK,
    "--each-layer",
    is_flag=True,
    help="Compare several --layer one by one, do not fuse them.",
)
@option(
    RESULT,
    "--renderer",
    default="overlay",
    show_default=True,
    metavar="R",
    help="What draws each map, see `visioncam renderers`.",
)
@option(
    RESULT,
    "-o",
    "--out",
    "file",
    type=click.Path(path_type=Path, readable=False),
    default=Path("compare.png"),
    show_default=True,
    metavar="FILE",
    help="The contact sheet.",
)
@option(
    RUN, "--option", "extra", multiple=True, metavar="NAME=VALUE", help="Option of the methods that have it."
)
@option(
    RUN, "--render-option", "render_extra", multiple=True, metavar="NAME=VALUE", help="Same, of the renderer."
)
@model_flags
@output_flags
def compare(
    images: tuple[str, ...],
    model: str | None,
    methods: str,
    targets: tuple[str, ...],
    each_layer: bool,
    renderer: str,
    file: Path,
    extra: tuple[str, ...],
    render_extra: tuple[str, ...],
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **rest: Any,
) -> int:  # fmt: skip
    """Explain each IMAGE with every method and draw the maps on one contact sheet.

    Several pictures, classes and layers (--each-layer) stand below one another. Activations and gradients
    are computed once for all methods; seconds and passes are what each method needed beyond that.
    """
    context = click.get_current_context()
    output: Output = context.obj
    quiet(output)
    command = context.command
    assert isinstance(command, Flagged)
    flags = command.generated()
    specs = wanted(methods)
    page, drawn = registry().renderer(SHEET), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError("--renderer sheet is the page itself; name what draws each map, such as overlay")
    refuse_idle(flags, rest, {"method": specs, "sheet": [page], "renderer": [drawn]})
    options = written(flags, "method", rest, extra).options_for(specs)
    (tile_options,) = written(flags, "renderer", rest, render_extra).options_for([drawn])
    (page_options,) = written(flags, "sheet", rest, ()).options_for([page])
    for spec, mine in zip(specs, options, strict=True):
        registry().make_method(spec.name, mine)
    registry().make_renderer(drawn.name, tile_options)  # refuses bad values now, not after the work
    draw = {"renderer": drawn.name, "tile_options": tile_options, **page_options}
    registry().make_renderer(page.name, draw)
    bar = Bar()
    question = Question.of(bar, target=None, **rest)
    file = check_file(file, [*images, *(one for one in (model, rest["class_names"]) if one)])
    for error in unreadable(images, question.settings).values():
        raise error
    from visioncam.cli.open_model import open_model, title_of
    from visioncam_core.pipeline.apply import Named
    from visioncam_core.pipeline.compare import compare_all
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.request import Request
    from visioncam_core.results.provenance import add_marks, model_file_mark

    named = [
        Named.of(*registry().make_method(spec.name, mine)) for spec, mine in zip(specs, options, strict=True)
    ]
    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    bar.label = Path(images[0]).name
    asked = question.settings.layer
    layers = (asked if isinstance(asked, list) else [asked]) if each_layer else None
    with bar:
        explainer = Explainer.of(keras_model, Request(tuple(named), question.settings))
        subject = images[0] if len(images) == 1 else list(images)
        found = compare_all(explainer, subject, classes_of(targets), layers)
    for one in found:
        if not one.explanations:
            raise ModelError(f"no method gave a map: {'; '.join(_whys(one))}")
    mark = model_file_mark(model)
    found[:] = [
        attrs.evolve(row, explanations=tuple(add_marks(one, mark) for one in row.explanations))
        for row in found
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    found.save(file, **draw)
    _tell(output, images, title_of(keras_model, model), found, file)
    return SOME_FAILED if any(one.failures for one in found) else DONE


def wanted(text: str) -> list[Any]:
    """Return the methods that a list of names asks for, each once; "all" for every one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise OptionError(f"--methods names no method, received {text!r}; see `visioncam methods`")
    if names == ["all"]:
        return list(all_methods())
    return list({spec.name: spec for spec in map(registry().method, names)}.values())


def _whys(found: Comparison) -> list[str]:
    return [f"{name}: {in_flags(why)}" for name, why in found.failures.items()]


def _tell(output: Output, images: tuple[str, ...], model: str, found: Comparisons, file: Path) -> None:
    sources = [image for image in images for _ in range(found.each)]
    results = [
        {
            "image": image,
            **explanation_record(one),
            "seconds": row.seconds[one.method],
            "passes": row.passes[one.method],
        }
        for image, row in zip(sources, found, strict=True)
        for one in row.explanations
    ]
    failures = {name: why for row in found for name, why in row.failures.items()}
    output.document.update(
        model=model,
        image=images[0] if len(images) == 1 else None,
        images=list(images),
        results=results,
        failures=failures,
        failed=len(failures),
        files=[str(file)],
    )
    for image, row in zip(sources, found, strict=True):
        _tell_one(output, image, model, row)
    report.tell_files(output, [file])
    for name, why in failures.items():
        output.error(f"{name}: {in_flags(why)}")


def _tell_one(output: Output, image: str, model: str, found: Comparison) -> None:
    report.tell_model(output, image, model, found.explanations[:1])
    titles = {one.method: one.method_title for one in found.explanations}
    rows = [
        (f"  {titles.get(name, name)}", f"{seconds:.3f}", f"{found.passes[name]:,}", name in found.failures)
        for name, seconds in found.seconds.items()
    ]
    output.table(
        ("  method", "seconds", "extra passes", ""),
        [(*row, "failed" if failed else "") for *row, failed in rows],
        numbers=(1, 2),
    )
    everyone = [one.method_title for one in found.explanations]
    report.tell_notes(output, shared_notes(found.explanations, everyone))
