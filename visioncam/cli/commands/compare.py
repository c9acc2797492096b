"""`visioncam compare`: several methods, one picture, one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click

from visioncam.cli import describe as report
from visioncam.cli.commands.explain import METHOD, SHEET, drawing
from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.flags import Flagged, Kind, options_of
from visioncam.cli.help import RESULT, RUN, option, options
from visioncam.cli.json_records import explanation_record
from visioncam.cli.open_model import explainer_of, title_of
from visioncam.cli.phrasing import in_flags
from visioncam.cli.shared_flags import (
    layers_of,
    layers_option,
    methods_of,
    methods_option,
    model_flags,
    model_option,
    options_flag,
    output_flags,
    request_flags,
    request_of,
    targets_of,
    targets_option,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.errors import ModelError, OptionError
from visioncam_core.files import check_file
from visioncam_core.pipeline.compare import compare_all
from visioncam_core.plugins.default import registry
from visioncam_core.progress import Bar
from visioncam_core.results.comparison import Comparison, Comparisons
from visioncam_core.results.describe import shared_notes
from visioncam_core.results.provenance import add_marks, model_file_mark

KINDS = (
    METHOD,
    Kind("sheet", "Options of the page", lambda: [registry().renderer(SHEET)]),
    Kind("renderer", "Options of its tiles; `visioncam renderers` says what they mean", drawing),
)
EXAMPLES = (
    'visioncam compare cat.jpg --target "tiger cat" -o compare.png',
    "visioncam compare cat.jpg --model my.keras --methods gradcam,scorecam --renderer heatmap",
    "visioncam compare *.jpg --methods gradcam,hirescam --targets top2 --layers -1,40",
)


def _fused(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        raise click.UsageError("--each-layer --layer A --layer B is now written --layers A,B")


FLAGS = options(
    model_option,
    methods_option,
    targets_option,
    request_flags,
    layers_option,
    option(RUN, "--each-layer", is_flag=True, hidden=True, expose_value=False, callback=_fused),
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="R",
           help="What draws each map, see `visioncam renderers`."),
    option(RESULT, "-o", "--out", "file", type=click.Path(path_type=Path, readable=False),
           default=Path("compare.png"), show_default=True, metavar="FILE", help="The contact sheet."),
    options_flag,
    option(RUN, "--render-option", "render_extra", multiple=True, metavar="NAME=VALUE",
           help="Same, of the renderer."),
    model_flags,
    output_flags,
)  # fmt: skip


@click.command(cls=Flagged, kinds=KINDS, examples=EXAMPLES)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@FLAGS
@click.pass_context
def compare(
    context: click.Context,
    /,
    images: tuple[str, ...],
    model: str | None,
    renderer: str,
    file: Path,
    class_names: str | None,
    **_: Any,
) -> int:  # fmt: skip
    """Explain each IMAGE with every method and draw the maps on one contact sheet.

    Several pictures, classes (--targets) and layers (--layers) stand below one another. Activations and
    gradients are computed once for all methods; seconds and passes are what each method needed beyond that.
    """
    specs, targets, layers = methods_of(context), targets_of(context), layers_of(context)
    page, drawn = registry().renderer(SHEET), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError("--renderer sheet is the page itself; name what draws each map, such as overlay")
    options = options_of(context, {"method": specs, "sheet": [page], "renderer": [drawn]})
    (tile_options,), (page_options,) = options["renderer"], options["sheet"]
    bar = Bar(Path(images[0]).name)
    request = request_of(context, specs, options["method"], bar)
    registry().make_renderer(drawn.name, tile_options)  # refuses bad values now, not after the work
    draw = {"renderer": drawn.name, "tile_options": tile_options, **page_options}
    registry().make_renderer(page.name, draw)
    file = check_file(file, [*images, *(one for one in (model, class_names) if one)])
    for error in unreadable(images, request.settings).values():
        raise error
    explainer = explainer_of(context, request, model)
    with bar:
        found = compare_all(explainer, images[0] if len(images) == 1 else list(images), targets, layers)
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
    _tell(context.obj, images, title_of(explainer.model, model), found, file)
    return SOME_FAILED if any(one.failures for one in found) else DONE


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
