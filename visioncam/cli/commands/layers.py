"""`visioncam layers`: where a model can be looked at."""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, PICTURE, RESULT, Command, option, options

EXAMPLES = (
    "visioncam layers my.keras",
    "visioncam layers my.keras --image photo.jpg --all",
)
FLAGS = options(
    flags.MODEL,
    flags.keyword_flag(ASK, "output", metavar="NAME"),
    option(PICTURE, "--image", metavar="FILE",
           help="A picture, for models without a fixed input size; a blank one of 224×224 by default."),
    flags.PICTURES,
    option(RESULT, "--all", "everything", is_flag=True,
           help="Every layer, including those that cannot be explained, with the reason."),
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("file", metavar="[MODEL]", required=False)
@FLAGS
@click.pass_context
def layers(context: click.Context, /, **values: Any) -> None:
    """List the last layer of MODEL (the embedded one by default) at each resolution.

    --layer takes the index or the path; the arrow marks the default layer, with the
    reason.
    """
    from visioncam.cli.work.layers import layers as work

    work(context, **values)
