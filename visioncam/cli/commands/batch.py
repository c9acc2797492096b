"""`visioncam batch`: one method, a folder, a list or an archive of pictures; made to be interrupted."""

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
    flags.out_option("out", "FOLDER", "Folder for the results; pass the same one again to "
                                      "resume.", required=True),
    option(RESULT, "--renderer", default="overlay", show_default=True, metavar="A,B",
           help="Renderers that draw the pictures; see `visioncam renderers`."),
    option(RESULT, "--save-as", default="npz,png", show_default=True, metavar="A,B",
           help=f"Kinds of files: {', '.join(KINDS)}. npz holds the raw map."),
    option(RESULT, "--spread", is_flag=True,
           help="Spread the files over 256 folders, for hundreds of thousands of pictures."),
    flags.RECURSIVE,
    option(RUN, "--force", is_flag=True,
           help="Redo finished pictures whose model, method, options or file changed."),
    option(RUN, "--max-errors", type=click.IntRange(0), metavar="N",
           help="More failed pictures end the run; 100 by default, or a tenth of them."),
    option(RUN, "--workers", type=click.IntRange(1, 256), default=2, show_default=True, metavar="N",
           help="Threads for decoding, and as many for writing."),
    option(RUN, "--profile", is_flag=True,
           help="Report at the end what the run spent its time on."),
    option(RUN, "--engine", "runner", type=click.Choice(["local", "ray"]), default="local", show_default=True,
           help="Where to compute: in this process, or on a Ray cluster (extra ray)."),
    option(RUN, "--address", metavar="A",
           help="Address of the Ray cluster, auto for the running one; without it one is started here."),
    option(RUN, "--actors", type=click.IntRange(1), default=2, show_default=True, metavar="N",
           help="Maximum number of Ray actors, each with a copy of the model."),
    option(RUN, "--gpus", type=click.FloatRange(0), default=0, show_default=True, metavar="N",
           help="GPUs per actor."),
    option(RUN, "--supervise", is_flag=True,
           help="Restart if the process dies: with half the batch, then without the picture that kills it."),
    option(RUN, "--item-timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
           help="A picture that takes longer counts as failed; implies --supervise."),
    flags.OPTION,
    flags.named_option("The same for renderers.", "render-option"),
    flags.named_option("The same for the files.", "save-option"),
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command(cls=Flagged, kinds=(METHOD, RENDERER), examples=EXAMPLES)
@click.argument("source", metavar="SOURCE")
@FLAGS
@click.pass_context
def batch(context: click.Context, /, **values: Any) -> int:
    """Explain every picture of SOURCE: a folder, a 'pattern', a .txt or .csv list, or a .tar archive.

    SOURCE may also be one file of several pictures (.tif, .npy, .npz, .nii, .dcm), for a 2-D model.

    Writes the raw map and a drawing of each, and a line in manifest.jsonl; pictures that fail get a line
    in errors.jsonl. Run the same command again to resume after an interruption.
    """
    from visioncam.cli.work.batch import batch as work

    return work(context, **values)
