"""`visioncam app`: the same in a browser."""

from __future__ import annotations

import secrets

import click

from visioncam.cli.help import ASK, PICTURE, RUN, Command, option
from visioncam.cli.quiet import quiet
from visioncam.cli.shared_flags import output_flags
from visioncam.cli.terminal import Output
from visioncam_core.images.decode import MAX_PIXELS

EXAMPLES = (
    "visioncam app",
    "visioncam app --model my.keras --class-names names.txt",
    "visioncam app --models models/ --port 8000",
)


@click.command("app", cls=Command, examples=EXAMPLES)
@option(
    ASK, "--model", "named", multiple=True, metavar="FILE", help="Keras model to pick from; several in turn."
)
@option(ASK, "--models", "folder", metavar="DIR", help="Folder of .keras and .h5 files to pick from.")
@option(ASK, "--class-names", metavar="FILE", help="JSON or text file with the class names of these models.")
@option(
    PICTURE,
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default=True,
    metavar="N",
    help="A larger picture is refused before it is decoded.",
)
@option(
    PICTURE,
    "--max-upload",
    type=click.IntRange(1, 1000),
    default=20,
    show_default=True,
    metavar="MIB",
    help="A larger file is refused before it is read.",
)
@option(
    RUN,
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="H",
    help="Where to listen. Anything but this computer prints a warning and needs a token.",
)
@option(
    RUN,
    "--port",
    type=click.IntRange(0, 65535),
    default=7860,
    show_default=True,
    metavar="P",
    help="TCP port; 0 takes a free one.",
)
@option(
    RUN,
    "--time-limit",
    type=click.FloatRange(1, 86400),
    default=120.0,
    show_default=True,
    metavar="S",
    help="Seconds for one answer.",
)
@option(
    RUN,
    "--custom-objects",
    multiple=True,
    metavar="MODULE",
    help="Python module with classes of your own that the models need.",
)
@output_flags
@click.pass_obj
def app_command(
    output: Output, named: tuple[str, ...], folder: str | None, class_names: str | None, max_pixels: int,
    max_upload: int, host: str, port: int, time_limit: float, custom_objects: tuple[str, ...],
) -> None:  # fmt: skip
    """Explain photos in a browser, on this computer.

    Photos and models stay here: nothing is sent anywhere. Models are picked from those you name, in Keras's
    safe mode. Plugins are left out unless VISIONCAM_PLUGINS names them.
    """
    from visioncam.app.addresses import Addresses
    from visioncam.app.limits import Limits
    from visioncam.app.models import list_models
    from visioncam.app.serve import require_gradio, serve

    require_gradio()
    quiet(output)
    shelf = list_models(named, folder, custom_objects, class_names)
    addresses = Addresses(host, port)
    token = "" if addresses.local else secrets.token_urlsafe(24)
    if token:
        output.warn(
            f"--host {host} lets other computers reach this app; who has the whole address below can use it, "
            "and it is sent unencrypted"
        )

    def told(url: str) -> None:
        output.line("VisionCam is at ", (url, "bold"), ", Ctrl-C ends it")
        output.console.file.flush()

    limits = Limits(upload=max_upload * 2**20, pixels=max_pixels, seconds=time_limit)
    serve(shelf, limits, addresses, token, told)
