"""`visioncam layers`: where a model can be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from visioncam.cli.help import ASK, PICTURE, RESULT, Command, option
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import model_flags, model_option, output_flags, picture_flags, unreadable
from visioncam.cli.terminal import Output
from visioncam_core.plain_data import plain
from visioncam_core.text import index_or_name

if TYPE_CHECKING:
    from visioncam_core.engine.layer_table import LayerRow

EXAMPLES = (
    "visioncam layers my.keras",
    "visioncam layers my.keras --image photo.jpg --all",
)


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file", metavar="[MODEL]", required=False)
@model_option
@option(
    ASK, "--output", "of", metavar="NAME", help="Output of the model, name or index; the first by default."
)
@option(
    PICTURE,
    "--image",
    metavar="FILE",
    help="A picture, for models whose size is open; 224×224 without any content by default.",
)
@picture_flags
@option(RESULT, "--all", "everything", is_flag=True, help="Also what cannot be looked at, with the reason.")
@model_flags
@output_flags
@click.pass_obj
def layers(
    output: Output,
    /,
    file: str | None,
    model: str | None,
    of: str | None,
    image: str | None,
    everything: bool,
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
    **reading: Any,
) -> None:  # fmt: skip
    """List the layers of MODEL (the embedded one by default) that can be explained.

    The index and the path are what --layer takes; the arrow marks what is taken where nothing is said,
    and why.
    """
    quiet(output)
    from visioncam.cli.open_model import model_named, open_model, title_of
    from visioncam_core.pipeline.settings import Settings

    path = model_named(file, model)
    settings = Settings(output=index_or_name(of), **reading)
    for error in unreadable([] if image is None else [image], settings).values():
        raise error
    from visioncam_core.layers.listing import LayerListing
    from visioncam_core.layers.queries import no_layer
    from visioncam_core.pipeline.explainer import Explainer
    from visioncam_core.pipeline.request import Request

    keras_model = open_model(output, path, custom_objects, allow_unsafe_model)
    seen, choice = Explainer.of(keras_model, Request((), settings)).layers(image)
    listing = LayerListing(seen.table, choice)
    rows = seen.table.rows if everything else seen.table.candidates
    taken = choice.path if choice else None
    output.document.update(
        model=title_of(keras_model, path),
        layers=[{**_record(row), "taken": row.path == taken} for row in rows],
        choice=None if choice is None else {"path": choice.path, "why": choice.why},
    )
    header, *_ = listing.cells()
    output.table(
        header, (_cells(row, f"← {choice.why}" if choice and row.path == taken else "") for row in rows)
    )
    if choice is None:
        why = no_layer(seen.table) if not len(listing) else "no layer suits `auto`; name one with --layer"
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
