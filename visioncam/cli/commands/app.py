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
           help="Model to pick from, a file or a name as of `visioncam explain`; several in turn."),
    option(ASK, "--models", "folder", metavar="DIR",
           help="Folder of .keras, .h5 and .pt2 files to pick from."),
    option(ASK, "--allow-models", "opens", type=click.Choice(["names", "files"]),
           help="Let visitors name other models on the page: networks of timm, torchvision and keras "
                "(names), or any model file of this computer, too (files)."),
    option(ASK, "--class-names", metavar="FILE",
           help="JSON or text file with the class names of these models."),
    option(PICTURE, "--max-pixels", type=click.IntRange(1), default=MAX_PIXELS, show_default=True,
           metavar="N", help="A larger picture is refused before it is decoded."),
    option(PICTURE, "--max-upload", type=click.IntRange(1, 1000), default=20, show_default=True,
           metavar="MIB", help="A larger file is refused before it is read."),
    option(RUN, "--host", default="127.0.0.1", show_default=True, metavar="H",
           help="Where to listen. Anything but this computer prints a warning and needs a token."),
    option(RUN, "--port", type=click.IntRange(0, 65535), default=7860, show_default=True, metavar="P",
           help="TCP port; 0 takes a free one."),
    option(RUN, "--time-limit", type=click.FloatRange(1, 86400), default=120.0, show_default=True,
           metavar="S", help="Seconds for one answer."),
    option(RUN, "--custom-objects", multiple=True, metavar="MODULE",
           help="Python module with classes of your own that the models need."),
    OUTPUT,
)  # fmt: skip


@click.command("app", cls=Command, examples=EXAMPLES)
@FLAGS
@click.pass_obj
def app_command(output: Any, /, **values: Any) -> None:
    """Explain photos in a browser, on this computer.

    Photos and models stay here: nothing is sent anywhere. Models are picked from those you name, and others
    where you let visitors name them; code in their files never runs. Plugins are left out unless
    VISIONCAM_PLUGINS names them.
    """
    from visioncam.cli.work.app import app as work

    work(output, **values)
