"""What `visioncam compare` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import click
from click.core import ParameterSource

from visioncam.cli import describe
from visioncam.cli.exit import DONE, SOME_FAILED
from visioncam.cli.foretell import tell_cost
from visioncam.cli.json_records import explanation_record
from visioncam.cli.open_model import explainer_of, title_of
from visioncam.cli.option_flags import SHEET, options_of
from visioncam.cli.phrasing import in_flags
from visioncam.cli.request import check_readable, layers_of, methods_of, request_of, targets_of
from visioncam.cli.terminal import Output
from visioncam_core.errors import ModelError, OptionError
from visioncam_core.files import check_file
from visioncam_core.pipeline.compare import compare_all
from visioncam_core.pipeline.models import mark_of
from visioncam_core.plugins.default import registry
from visioncam_core.plugins.specs import MethodSpec
from visioncam_core.progress import Bar
from visioncam_core.results.comparison import Comparison, Comparisons, at_layer
from visioncam_core.results.describe import shared_notes
from visioncam_core.results.diagnostics import Diagnostic
from visioncam_core.results.provenance import add_marks

CHANNELS = 64
"""How many Score-CAM scores on a sheet of all methods; with every one it takes longer than all the others."""


def compare(
    context: click.Context,
    images: tuple[str, ...],
    model: str | None,
    renderer: str,
    file: Path,
    class_names: str | None,
    **_: Any,
) -> int:
    specs, targets, layers = methods_of(context), targets_of(context), layers_of(context)
    page, drawn = registry().renderer(SHEET), registry().renderer(renderer)
    if drawn.name == SHEET:
        raise OptionError(
            "--renderer sheet is the page itself; name a renderer for each map, such as overlay"
        )
    options = options_of(context, {"method": specs, "sheet": [page], "renderer": [drawn]})
    (tile_options,), (page_options,) = options["renderer"], options["sheet"]
    limited = _limit_scorecam(context, specs, options["method"])
    bar = Bar(Path(images[0]).name)
    request = request_of(context, specs, options["method"], bar)
    registry().make_renderer(drawn.name, tile_options)  # refuses bad values now, not after the work
    draw = {"renderer": drawn.name, "tile_options": tile_options, **page_options}
    registry().make_renderer(page.name, draw)
    file = check_file(file, [*images, *(one for one in (model, class_names) if one)])
    check_readable(images[0], request.settings)
    explainer = explainer_of(context, request, model)
    tell_cost(context.obj, explainer, images, targets, layers)
    with bar:
        found = compare_all(explainer, images[0] if len(images) == 1 else list(images), targets, layers)
    for one in found:
        if not one.explanations:
            whys = (f"{name}: {in_flags(why)}" for name, why in one.failures.items())
            raise ModelError(f"no method gave a map: {'; '.join(whys)}")
    mark = mark_of(model, explainer.model)
    found[:] = [
        attrs.evolve(row, explanations=tuple(add_marks(one, mark) for one in row.explanations))
        for row in found
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    found.save(file, **draw)
    _tell(context.obj, images, title_of(explainer.model, model), found, file)
    if limited and any(row.passes.get("scorecam", 0) >= CHANNELS for row in found):
        context.obj.note(
            f"Score-CAM scored the {CHANNELS} channels that vary most; --methods all scores every channel"
        )
    return SOME_FAILED if any(one.failures for one in found) else DONE


def _limit_scorecam(
    context: click.Context, specs: list[MethodSpec], options: list[dict[str, object]]
) -> bool:
    """Give Score-CAM a fixed number of passes on a sheet whose methods the user has not named."""
    if any(
        context.get_parameter_source(name) is not ParameterSource.DEFAULT for name in ("methods", "method")
    ):
        return False
    for spec, given in zip(specs, options, strict=True):
        if spec.name == "scorecam" and not {"channels", "until"} & set(given):
            given["channels"] = CHANNELS
            return True
    return False


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
    told: set[Diagnostic] = set()
    for image, row in zip(sources, found, strict=True):
        _tell_one(output, image, model, row, told)
    describe.tell_files(output, [file])
    for name, why in failures.items():
        output.error(f"{name}: {in_flags(why)}")


def _tell_one(output: Output, image: str, model: str, found: Comparison, told: set[Diagnostic]) -> None:
    describe.tell_model(output, image, model, [at_layer(found)])
    titles = {one.method: one.method_title for one in found.explanations}
    accounts = {one.method: str(one.account or "") for one in found.explanations}
    rows = [
        (
            f"  {titles.get(name, name)}",
            f"{seconds:.3f}",
            f"{found.passes[name]:,}",
            "failed" if name in found.failures else accounts.get(name, ""),
        )
        for name, seconds in found.seconds.items()
    ]
    output.table(("  method", "seconds", "extra passes", ""), rows, numbers=(1, 2))
    notes = shared_notes(found.explanations, list(titles.values()))
    describe.tell_notes(output, [one for one in notes if one[0] not in told])
    told.update(note for note, _ in notes)
