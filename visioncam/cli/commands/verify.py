"""`visioncam verify`: is what a run's folder holds what the model says of the pictures?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, RUN, Command, option, options

EXAMPLES = (
    "visioncam verify maps/",
    "visioncam verify maps/ photos/ --model my.keras --share 0.1 --seed 7",
)
FLAGS = options(
    flags.MODEL,
    option(ASK, "--class-names", metavar="FILE", help="The class names that the run was given."),
    option(RUN, "--share", type=click.FloatRange(0, 1), default=0.01, show_default=True, metavar="P",
           help="Share of the maps to recompute; at least one."),
    option(RUN, "--seed", type=int, default=0, show_default=True, metavar="N",
           help="Seed that picks the pictures."),
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("out", type=click.Path(path_type=Path, readable=False))
@click.argument("source", required=False)
@FLAGS
@click.pass_context
def verify(context: click.Context, /, **values: Any) -> int:
    """Explain some pictures of the run in OUT again, and report whether the maps agree.

    SOURCE and --model are those of the run; OUT remembers them if they are next to it. Nothing in OUT is
    changed. The exit code is 3 if a map differs by more than 1e-5 of its maximum, or cannot be
    recomputed.
    """
    from visioncam.cli.work.verify import verify as work

    return work(context, **values)
