"""`visioncam layers`: where a model can be looked at."""

from __future__ import annotations

from typing import Any

import click

from visioncam.api import registry
from visioncam.cli.asking import index_or_name, model_flags, output_flags
from visioncam.cli.models import open_model, title_of
from visioncam.cli.native import quiet
from visioncam.cli.records import plain
from visioncam.cli.terminal import Output
from visioncam_core.explainer import Explainer
from visioncam_core.layer_listing import LayerListing
from visioncam_core.layers import LayerRow
from visioncam_core.selectors import no_layer
from visioncam_core.settings import Settings


@click.command(short_help="List a model's layers, and which one is taken.")
@click.argument("model", metavar="[MODEL]", required=False)
@click.option(
    "--output", "of", metavar="NAME", help="Output of the model, name or index; the first by default."
)
@click.option("--all", "everything", is_flag=True, help="Also what cannot be looked at, with the reason.")
@model_flags
@output_flags
@click.pass_obj
def layers(
    output: Output,
    model: str | None,
    of: str | None,
    everything: bool,
    custom_objects: tuple[str, ...],
    allow_unsafe_model: bool,
) -> None:
    """List the layers of MODEL (the embedded one by default) that can be explained.

    The index and the path are what --layer takes; the arrow marks what it takes by itself.
    """
    quiet(output)
    keras_model = open_model(output, model, custom_objects, allow_unsafe_model)
    settings = Settings(output=index_or_name(of))
    seen, choice = Explainer.of(keras_model, registry(), [], settings).layers()
    listing = LayerListing(seen.table, choice)
    rows = seen.table.rows if everything else seen.table.candidates
    taken = choice.path if choice else None
    output.document.update(
        model=title_of(keras_model, model),
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
