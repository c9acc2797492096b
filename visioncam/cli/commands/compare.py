"""`visioncam compare`: several methods, one picture, one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import OUTPUT, RESULT, RUN, option, options
from visioncam.cli.option_flags import METHOD, SHEET, Flagged, Kind, drawing
from visioncam_core.plugins.default import registry

KINDS = (
    METHOD,
    Kind("sheet", "Options of the page", lambda: [registry().renderer(SHEET)]),
    Kind("renderer", "Options of its tiles; `visioncam renderers` says what they mean", drawing),
)
EXAMPLES = (
    'visioncam compare cat.jpg --target "tiger cat" -o compare.png',
    "visioncam compare cat.jpg --model my.keras --methods gradcam,scorecam --renderer heatmap",
    "visioncam compare *.jpg --methods gradcam,hirescam --targets top2 --layers -1,40",
)


def _refuse_old(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        raise click.UsageError("--each-layer --layer A --layer B is now written --layers A,B")


FLAGS = options(
    flags.MODEL,
    flags.METHODS,
    flags.TARGETS,
    flags.REQUEST,
    flags.LAYERS,
    option(RUN, "--each-layer", is_flag=True, hidden=True, expose_value=False, callback=_refuse_old),
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="R",
           help="Renderer of each map; see `visioncam renderers`."),
    flags.out_option("file", "FILE", "The contact sheet.", default=Path("compare.png"), show_default=True),
    flags.OPTIONS,
    flags.named_option("The same for the renderer.", "render-option"),
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Flagged, kinds=KINDS, examples=EXAMPLES)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@FLAGS
@click.pass_context
def compare(context: click.Context, /, **values: Any) -> int:
    """Explain each IMAGE with every method and draw the maps on one contact sheet.

    Several pictures, classes (--targets) and layers (--layers) become rows. Activations and gradients are
    computed once for all methods; the seconds and passes shown are what each method needed on top of that.
    """
    from visioncam.cli.work.compare import compare as work

    return work(context, **values)
