"""`visioncam diff`: two models compared on the same pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, PICTURE, RESULT, Command, option, options
from visioncam_core.images.preprocessing import SETTINGS

EXAMPLES = (
    "visioncam diff v1.keras v2.keras photos/ --report changed.html",
    "visioncam diff v1.keras v2.keras photos/ --second v1-other-seed.keras",
    'visioncam diff float.keras int8.keras photos/ --fail-if "moved > 0.1" --fail-if "changed > 0.02"',
)
FLAGS = options(
    flags.METHOD,
    option(ASK, "--second", metavar="RUN",
           help="A second training run of OLD: how much two seeds differ sets the scale."),
    flags.LAYER,
    option(ASK, "--new-layer", multiple=True, metavar="L", help="Layer of NEW, if it is a different one."),
    flags.target_flag("Class, index or name of OLD; each picture's top one by default."),
    flags.CLASS_NAMES,
    option(ASK, "--new-class-names", metavar="FILE", help="The same for NEW, if they are different."),
    flags.out_option("file", "FILE", "Pictures as .csv, everything as .json."),
    option(RESULT, "--report", metavar="FILE", type=click.Path(path_type=Path, readable=False),
           help="A report with maps, .html."),
    option(RESULT, "--fail-if", "conditions", multiple=True, metavar="COND",
           help="Exit with 3 if this holds for moved, correlation or changed, such as 'moved > 0.1'."),
    flags.RECURSIVE,
    flags.MEASURING,
    option(PICTURE, "--new-preprocess", type=click.Choice(SETTINGS),
           help="The same for NEW, if it needs a different one."),
    flags.TRUST,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def diff(context: click.Context, /, **values: Any) -> int:
    """Run OLD and NEW on the pictures of SOURCE, and show where answers or evidence changed.

    Models are named as for --model; demo is the embedded one. Both maps of a picture explain OLD's answer;
    moved is the share of the evidence that is elsewhere, 0 to 1. The exit code is 3 if a --fail-if condition
    holds or a picture could not be compared.
    """
    from visioncam.cli.work.diff import diff as work

    return work(context, **values)
