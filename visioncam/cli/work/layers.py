"""What `visioncam layers` does."""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli.open_model import explainer_of, model_named, title_of
from visioncam.cli.request import check_readable, request_of
from visioncam.cli.terminal import Output
from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.layers.listing import cells_of, stage_ends
from visioncam_core.layers.queries import no_layer
from visioncam_core.plain_data import plain


def layers(
    context: click.Context, file: str | None, model: str | None, image: str | None, everything: bool, **_: Any
) -> None:
    output: Output = context.obj
    path = model_named(file, model)
    request = request_of(context)
    if image is not None:
        check_readable(image, request.settings)
    explainer = explainer_of(context, request, path)
    view, choice = explainer.layers(image)
    rows = view.table.rows if everything else view.table.candidates
    taken = choice.path if choice else None
    output.document.update(
        model=title_of(explainer.model, path),
        layers=[{**_record(row), "taken": row.path == taken} for row in rows],
        choice=None if choice is None else {"path": choice.path, "why": choice.why},
    )
    ends = [] if everything else stage_ends(rows)
    shown = [row for row in rows if not ends or row in ends or row.path == taken]
    header, *cells = cells_of(shown, choice)
    output.table(header, cells)
    if len(shown) < len(rows):
        output.line(f"the last layer of each resolution, out of {len(rows)}; --all lists every one")
    if choice is None:
        why = no_layer(view.table) if not len(view.table) else "no layer suits `auto`; name one with --layer"
        output.warn(why)


def _record(row: LayerRow) -> dict[str, Any]:
    names = ("index", "path", "kind", "shape", "grid", "stride", "reaches_score", "refused")
    return {name: plain(getattr(row, name)) for name in names}
