"""`visioncam evaluate`: which of the maps can be trusted on these pictures?"""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, RESULT, RUN, Command, option, options
from visioncam.evaluation.budget import Budget
from visioncam_core.options.fields import describe_options

EXAMPLES = (
    "visioncam evaluate photos/",
    "visioncam evaluate photos/ --model my.keras --methods gradcam,xgradcam --metrics all -o evaluation.csv",
    'visioncam evaluate photos/ --boxes boxes.csv --fail-if "pointing_game < 0.6"',
)


def _one_layer(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    if len(values) > 1:
        raise click.UsageError(
            "several --layer are fused, and a metric looks at one layer; to measure them one by one write "
            f"--layers {','.join(values)}"
        )
    return values


FLAGS = options(
    flags.MODEL,
    flags.METHODS,
    option(ASK, "--metrics", default="default", show_default=True, metavar="A,B",
           help="See `visioncam metrics`; or all."),
    option(ASK, "--layer", multiple=True, metavar="L", callback=_one_layer,
           help="One layer, see `visioncam layers`; chosen by default."),
    option(ASK, "--layers", multiple=True, metavar="A,B", help="Several layers, measured one by one."),
    flags.target_flag("Class, index or name; each picture's top one by default."),
    flags.CLASS_NAMES,
    flags.BOXES,
    option(ASK, "--recommend", is_flag=True, help="Say why, and how many more pictures would settle it."),
    option(RESULT, "--details", is_flag=True, help="Print intervals, unbeaten controls and costs, too."),
    flags.out_option("file", "FILE", "Table as .csv, everything as .json, or a report as .html."),
    option(RESULT, "--fail-if", "conditions", multiple=True, metavar="COND",
           help="Exit with 3 if this holds for a method, such as 'pointing_game < 0.6'."),
    *(
        flags.described_flag(RUN, info, **({} if info.name == "patience" else {"metavar": None}))
        for info in describe_options(Budget)
    ),
    flags.RECURSIVE,
    flags.MEASURING,
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def evaluate(context: click.Context, /, **values: Any) -> int:
    """Measure the maps of every method on the pictures of SOURCE: a folder, a 'pattern' or a list.

    A random map, a centred Gaussian, the picture's edges, Fake-CAM and each method on a randomised copy of
    the model are the controls; a method better than all of these is marked. The exit code is 3 if a --fail-if
    condition holds or a picture could not be read.
    """
    from visioncam.cli.work.evaluate import evaluate as work

    return work(context, **values)
