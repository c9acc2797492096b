"""`visioncam layers`: where a model can be looked at."""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli.help import ASK, PICTURE, RESULT, Command, option, options
from visioncam.cli.open_model import explainer_of, model_named, title_of
from visioncam.cli.shared_flags import (
    keyword_flag,
    model_flags,
    model_option,
    output_flags,
    picture_flags,
    request_of,
    unreadable,
)
from visioncam.cli.terminal import Output
from visioncam_core.engine.layer_table import LayerRow
from visioncam_core.layers.listing import LayerListing
from visioncam_core.layers.queries import no_layer
from visioncam_core.plain_data import plain

EXAMPLES = (
    "visioncam layers my.keras",
    "visioncam layers my.keras --image photo.jpg --all",
)


FLAGS = options(
    model_option,
    keyword_flag(ASK, "output", metavar="NAME"),
    option(PICTURE, "--image", metavar="FILE",
           help="A picture, for models whose size is open; 224×224 without any content by default."),
    picture_flags,
    option(RESULT, "--all", "everything", is_flag=True,
           help="Also what cannot be looked at, with the reason."),
    model_flags,
    output_flags,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file", metavar="[MODEL]", required=False)
@FLAGS
@click.pass_context
def layers(
    context: click.Context,
    /,
    file: str | None,
    model: str | None,
    image: str | None,
    everything: bool,
    **_: Any,
) -> None:  # fmt: skip
    """List the layers of MODEL (the embedded one by default) that can be explained.

    The index and the path are what --layer takes; the arrow marks what is taken where nothing is said,
    and why.
    """
    output: Output = context.obj
    path = model_named(file, model)
    request = request_of(context)
    for error in unreadable([] if image is None else [image], request.settings).values():
        raise error
    explainer = explainer_of(context, request, path)
    view, choice = explainer.layers(image)
    listing = LayerListing(view.table, choice)
    rows = view.table.rows if everything else view.table.candidates
    taken = choice.path if choice else None
    output.document.update(
        model=title_of(explainer.model, path),
        layers=[{**_record(row), "taken": row.path == taken} for row in rows],
        choice=None if choice is None else {"path": choice.path, "why": choice.why},
    )
    header = next(iter(listing.cells()))
    output.table(
        header, (_cells(row, f"← {choice.why}" if choice and row.path == taken else "") for row in rows)
    )
    if choice is None:
        why = no_layer(view.table) if not len(listing) else "no layer suits `auto`; name one with --layer"
        output.warn(why)


def _cells(row: LayerRow, remark: str) -> tuple[str, ...]:
    return (
        "" if row.index is None else str(row.index),
        row.path,
        row.kind,
        str(row.shape),
        "×".join(map(str, row.grid)),
        "×".join(f"{step:g}" for step in row.stride),
        "yes" if row.reaches_score else "no",
        row.refused or remark,
    )


def _record(row: LayerRow) -> dict[str, Any]:
    return {
        "index": row.index,
        "path": row.path,
        "kind": row.kind,
        "shape": plain(row.shape),
        "grid": plain(row.grid),
        "stride": plain(row.stride),
        "reaches_score": row.reaches_score,
        "refused": row.refused,
    }
