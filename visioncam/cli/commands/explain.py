"""`visioncam explain`: one method, one or several pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import OUTPUT, RESULT, option, options
from visioncam.cli.option_flags import METHOD, RENDERER, Flagged
from visioncam_core.results.writer import KINDS

EXAMPLES = (
    'visioncam explain cat.jpg --target "tiger cat" --method xgradcam',
    "visioncam explain *.jpg --model my.keras --target top5 -o maps/",
    "visioncam explain cat.jpg --layer block5c_add --layer top_activation --fuse max",
    "visioncam explain cat.jpg --renderer boxes --save-as png,csv --save-option threshold=otsu",
)
FLAGS = options(
    flags.MODEL,
    flags.METHOD,
    flags.target_flag("Class to explain, index or name, or top5 for the five best; the top one by default."),
    flags.REQUEST,
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="R",
           help="Renderer of the map; see `visioncam renderers`."),
    flags.out_option("out", "PATH",
                     "Folder for the files, the current one by default; or a file, for one map.",
                     default=Path()),
    option(RESULT, "--save-as", metavar="A,B",
           help=f"Kinds of files to write: {', '.join(KINDS)}; png by default. npz holds everything, json is "
                "COCO, txt is YOLO, gif and mp4 are for volumes and videos."),
    flags.OPTION,
    flags.named_option("The same for the renderer.", "render-option"),
    flags.named_option("The same for the files: threshold=otsu, min_area=50, polygons=yes, fps=12, "
                       "width_cm=8.5.",
                       "save-option"),
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Flagged, kinds=(METHOD, RENDERER), examples=EXAMPLES)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@FLAGS
@click.pass_context
def explain(context: click.Context, /, **values: Any) -> int:
    """Show which parts of each IMAGE are evidence for a class.

    Writes <name>_<method>.png and prints what the model sees, which layer was explained and why,
    and any caveats.
    """
    from visioncam.cli.work.explain import explain as work

    return work(context, **values)
