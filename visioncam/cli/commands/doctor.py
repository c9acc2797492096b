"""`visioncam doctor`: can the maps of this model on this picture be trusted, and with which call?"""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, option, options
from visioncam.cli.option_flags import METHOD, Flagged

EXAMPLES = ("visioncam doctor cat.jpg", "visioncam doctor my.keras cat.jpg --preprocess unit")
FLAGS = options(
    flags.MODEL,
    option(ASK, "--method", default="gradcam", show_default=True, metavar="M",
           help="Method whose map is checked."),
    flags.TARGET,
    flags.REQUEST,
    flags.OPTION,
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Flagged, kinds=(METHOD,), examples=EXAMPLES)
@click.argument("files", metavar="[MODEL] IMAGE", nargs=-1, required=True)
@FLAGS
@click.pass_context
def doctor(context: click.Context, /, **values: Any) -> None:
    """Report the health of MODEL (the embedded one by default) on IMAGE.

    Shows model, input, range, output, score, layer, gradient, map, and how much it depends
    on the class; then each problem with its fix, and the call to use. The exit code is 0
    even if there are problems; with --json, programs can read "healthy".
    """
    from visioncam.cli.work.doctor import doctor as work

    work(context, **values)
