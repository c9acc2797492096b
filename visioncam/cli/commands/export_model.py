"""`visioncam export-model`: a model and its map in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from visioncam.cli import flags
from visioncam.cli.help import ASK, OUTPUT, PICTURE, RESULT, RUN, option, options
from visioncam.cli.option_flags import METHOD, Flagged
from visioncam_core.images.geometry import NAMED
from visioncam_core.images.preprocessing import SETTINGS

EXAMPLES = (
    "visioncam export-model cat.tflite",
    "visioncam export-model cat.onnx --model my.keras --size input --target input",
    "visioncam export-model cat.tflite --quantize photos/ --at-least 0.95",
)
FLAGS = options(
    flags.MODEL,
    flags.METHOD,
    flags.LAYER,
    flags.target_flag("Class to explain, index or name; input makes it an input of the file; the top one by "
                      "default."),
    flags.CLASS_NAMES,
    flags.keyword_flag(ASK, "placement"),
    flags.keyword_flag(ASK, "score"),
    flags.keyword_flag(ASK, "output", metavar="NAME"),
    flags.keyword_flag(ASK, "evidence"),
    flags.keyword_flag(PICTURE, "preprocess", type=click.Choice(SETTINGS)),
    flags.keyword_flag(PICTURE, "geometry", type=click.Choice(list(NAMED))),
    option(RESULT, "--outputs", default="probabilities,heatmap", show_default=True, metavar="A,B",
           help="What the file answers with: probabilities, logits, heatmap, raw."),
    option(RESULT, "--size", metavar="H,W",
           help="Size of the heat map, or input; the layer's grid by default."),
    option(RESULT, "--quantize", metavar="FOLDER", help="Compute in int8, calibrated with these pictures."),
    option(RESULT, "--at-least", type=click.FloatRange(-1, 1), default=0.9, show_default=True, metavar="R",
           help="Least rank correlation with VisionCam's own maps at which the file is written."),
    option(RUN, "--pictures", metavar="FOLDER", help="Pictures to run the file on; made up by default."),
    flags.OPTION,
    flags.MODEL_FILE,
    OUTPUT,
)  # fmt: skip


@click.command("export-model", cls=Flagged, kinds=(METHOD,), examples=EXAMPLES)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, readable=False))
@FLAGS
@click.pass_context
def export_model(context: click.Context, /, **values: Any) -> None:
    """Write the model into FILE, which answers with its probabilities and the map of the class.

    FILE ends in .tflite or .onnx, or is the name of a folder for a SavedModel. It is run on three pictures,
    and kept only if its maps are those that VisionCam makes.
    """
    from visioncam.cli.work.export_model import export_model as work

    work(context, **values)
