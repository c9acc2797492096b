"""`visioncam app`: the same in a browser."""

from __future__ import annotations

from typing import Any

import click

from visioncam.cli.help import ASK, OUTPUT, PICTURE, RUN, Command, option, options
from visioncam_core.images.decode import MAX_PIXELS

EXAMPLES = (
    "visioncam app",
    "visioncam app --model my.keras --class-names names.txt",
    "visioncam app --models models/ --port 8000",
    "visioncam app --model timm:resnet18 --allow-models names",
)
FLAGS = options(
    option(ASK, "--model", "named", multiple=True, metavar="MODEL",
           help="Model to offer, a file or a name as for `visioncam explain`; repeat it for several."),
    option(ASK, "--models", "folder", metavar="DIR",
           help="Folder of .keras, .h5, .pt2, .onnx and .tflite files to offer."),
    option(ASK, "--allow-models", "opens", type=click.Choice(["names", "files"]),
           help="Let visitors enter other models on the page: networks of timm, torchvision and keras "
                "(names), or also any model file on this computer (files)."),
    option(ASK, "--class-names", metavar="FILE",
           help="JSON or text file with the class names of these models."),
    option(PICTURE, "--max-pixels", type=click.IntRange(1), default=MAX_PIXELS, show_default=True,
           metavar="N", help="A larger picture is refused before it is decoded."),
    option(PICTURE, "--max-upload", type=click.IntRange(1, 1000), default=20, show_default=True,
           metavar="MIB", help="A larger file is refused before it is read."),
    option(RUN, "--host", default="127.0.0.1", show_default=True, metavar="H",
           help="Address to listen on. Any but this computer's prints a warning and requires a token."),
    option(RUN, "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, metavar="P",
           help="TCP port; 0 picks a free one."),
    option(RUN, "--time-limit", type=click.FloatRange(1, 86400), default=120.0, show_default=True,
           metavar="S", help="Time limit for one answer, in seconds."),
    option(RUN, "--custom-objects", multiple=True, metavar="MODULE",
           help="Python module with custom classes that the models need."),
    OUTPUT,
)  # fmt: skip


@click.command("app", cls=Command, examples=EXAMPLES)
@FLAGS
@click.pass_obj
def app_command(output: Any, /, **values: Any) -> None:
    """Explain photos in a browser, on this computer.

    Photos and models stay on this computer: nothing is sent anywhere. The models offered are those you name
    (visitors may enter others with --allow-models), and code in their files never runs. Plugins are left out
    unless VISIONCAM_PLUGINS names them.
    """
    from visioncam.cli.work.app import app as work

    work(output, **values)
