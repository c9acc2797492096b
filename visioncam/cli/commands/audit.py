"""`visioncam audit`: does the model look at the objects, or at shortcuts?"""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, Command, option, options

EXAMPLES = ("visioncam audit photos/ --model my.keras", "visioncam audit photos/ --clusters 4 -o audit.csv")
FLAGS = options(
    flags.MODEL,
    flags.METHOD,
    flags.LAYER,
    flags.target_flag("Class, index or name; each picture's top one by default."),
    flags.CLASS_NAMES,
    flags.BOXES,
    option(ASK, "--clusters", type=int, default=0, metavar="N",
           help="Number of clusters of maps; needs scikit-learn."),
    flags.out_option("file", "FILE",
                     "The pictures as .csv, everything as .json, or each class's mean map with the places "
                     "found as .png."),
    flags.RECURSIVE,
    flags.MEASURING,
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def audit(context: click.Context, /, **values: Any) -> int:
    """Search SOURCE for evidence outside the objects: a caption, a tag, a watermark, a frame.

    Lists first the places that stand out in the maps of a class, beyond chance and always at the same spot,
    and how far the class's probability falls when each is hidden; then the pictures, the most suspicious
    first. Objects may be there too: --boxes tells the two apart.
    """
    from visioncam.cli.work.audit import audit as work

    return work(context, **values)
