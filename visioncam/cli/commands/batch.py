"""`visioncam batch`: one method, a folder, a list or an archive of pictures; interrupted is normal."""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import OUTPUT, RESULT, RUN, option, options
from visioncam.cli.option_flags import METHOD, RENDERER, Flagged
from visioncam_core.results.writer import KINDS

EXAMPLES = (
    "visioncam batch photos/ -o maps/",
    'visioncam batch "photos/**/*.jpg" -o maps/ --model my.keras --method xgradcam --target 281',
    "visioncam batch pictures.csv -o maps/ --renderer overlay,heatmap --save-as npz,png,csv",
)
FLAGS = options(
    flags.MODEL,
    flags.METHOD,
    flags.TARGET,
    flags.REQUEST,
    flags.out_option("out", "FOLDER", "Folder for the results; the same one continues.", required=True),
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="A,B",
           help="What draws the pictures, one or several; see `visioncam renderers`."),
    option(RESULT, "--save-as", default="npz,png", show_default=True, metavar="A,B",
           help=f"Kinds of files: {', '.join(KINDS)}. npz holds the raw map."),
    option(RESULT, "--spread", is_flag=True,
           help="Put the files into 256 folders, for hundreds of thousands of pictures."),
    flags.RECURSIVE,
    option(RUN, "--force", is_flag=True,
           help="Do again what is finished, where model, method, option or picture changed."),
    option(RUN, "--max-errors", type=click.IntRange(0), metavar="N",
           help="More failed pictures end the run; 100 by default, or a tenth of them."),
    option(RUN, "--workers", type=click.IntRange(1, 256), default=2, show_default=True, metavar="N",
           help="Threads for decoding, and as many for writing."),
    option(RUN, "--engine", "runner", type=click.Choice(["local", "ray"]), default="local", show_default=True,
           help="Where it is computed: this process, or a Ray cluster (extra ray)."),
    option(RUN, "--address", metavar="A",
           help="Of the Ray cluster, auto for the running one; else one is started here."),
    option(RUN, "--actors", type=click.IntRange(1), default=2, show_default=True, metavar="N",
           help="Ray actors at most, each with a copy of the model."),
    option(RUN, "--gpus", type=click.FloatRange(0), default=0, show_default=True, metavar="N",
           help="GPUs of each actor."),
    option(RUN, "--supervise", is_flag=True,
           help="Start again where the process dies: with half the batch, then without the picture that "
                "kills it."),
    option(RUN, "--item-timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
           help="A picture that takes longer is an error; supervises, too."),
    flags.OPTION,
    flags.named_option("Same, of the renderers that have it.", "render-option"),
    flags.named_option("Same, of the files.", "save-option"),
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Flagged, kinds=(METHOD, RENDERER), examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def batch(context: click.Context, /, **values: Any) -> int:
    """Explain every picture of SOURCE: a folder, a 'pattern', a .txt or .csv list, or a .tar archive.

    A file of several pictures (.tif, .npy, .npz, .nii, .dcm) is a SOURCE, too, for a model of pictures.

    Writes the raw map and a picture of each, and a line into manifest.jsonl; pictures that fail have a
    line in errors.jsonl. The same command continues where it was interrupted.
    """
    from visioncam.cli.work.batch import batch as work

    return work(context, **values)
