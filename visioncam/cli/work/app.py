"""What `visioncam app` does."""

from __future__ import annotations

import secrets

from visioncam.app.addresses import Addresses
from visioncam.app.limits import Limits
from visioncam.app.models import list_models
from visioncam.app.serve import require_gradio, serve
from visioncam.cli.terminal import Output


def app(
    output: Output, named: tuple[str, ...], folder: str | None, opens: str | None, class_names: str | None,
    max_pixels: int, max_upload: int, host: str, port: int, time_limit: float,
    custom_objects: tuple[str, ...],
) -> None:  # fmt: skip
    require_gradio()
    models = list_models(named, folder, custom_objects, class_names, opens or "")
    addresses = Addresses(host, port)
    token = "" if addresses.local else secrets.token_urlsafe(24)
    if token:
        output.warn(
            f"--host {host} lets other computers reach this app; anyone with the whole address below can "
            "use it, and the connection is not encrypted"
            + ("; --allow-models files lets them open any model file that you can read" * (opens == "files"))
        )

    def tell(url: str) -> None:
        output.line("VisionCam is at ", (url, "bold"), "; Ctrl-C stops it")
        output.console.file.flush()

    serve(models, Limits(max_upload * 2**20, max_pixels, time_limit), addresses, token, tell)
