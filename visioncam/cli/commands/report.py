"""`visioncam report`: pictures, methods and classes in one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import OUTPUT, RESULT, option, options
from visioncam.cli.option_flags import METHOD, Flagged

EXAMPLES = (
    "visioncam report cats.html cat.jpg other.jpg --targets top2",
    'visioncam report out.html *.jpg --model my.keras --methods gradcam,hirescam --title "Ward 7"',
)
FLAGS = options(
    flags.MODEL,
    flags.methods_flags("the one-pass methods"),
    flags.TARGETS,
    flags.REQUEST,
    flags.LAYERS,
    option(RESULT, "--title", default="", metavar="TEXT", help="Heading of the report."),
    option(RESULT, "--colormap", default="auto", show_default=True, metavar="C", help="Colours of the maps."),
    flags.OPTIONS,
    flags.MODEL_FILE,
    OUTPUT,
)


@click.command(cls=Flagged, kinds=(METHOD,), examples=EXAMPLES)
@click.argument("file", metavar="OUT.html", type=click.Path(path_type=Path, readable=False), required=True)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@FLAGS
@click.pass_context
def report(context: click.Context, /, **values: Any) -> int:
    """Write OUT.html: every IMAGE with its maps, numbers, warnings, and where they come from.

    By default with the methods that share one forward and one backward pass; --methods all takes longer.
    The file opens offline and loads nothing. In it one blends photo and map, and switches between methods
    and classes.
    """
    from visioncam.cli.work.report import report as work

    return work(context, **values)
