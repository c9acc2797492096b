"""The server: Gradio's page behind the guard, on this computer only unless the user says otherwise."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs

from visioncam.app.addresses import Addresses
from visioncam.app.answer import Service
from visioncam.app.guard import Guard
from visioncam.app.limits import Limits, begin, give_up, run_limited
from visioncam.app.models import ModelList
from visioncam.app.page import Page, examples
from visioncam.app.style import CSS, theme
from visioncam.app.workspace import Workspace
from visioncam_core.errors import BackendError, VisionCamError

MISSING = "the app needs Gradio; install it with: pip install 'visioncam[app]'"

SESSIONS = 32  # of which Gradio keeps the widgets, 0.2 MB each; a page that is older works on without


def require_gradio() -> None:
    """Raise `BackendError` where Gradio is not installed; nothing is imported."""
    from importlib.util import find_spec

    if find_spec("gradio") is None:
        raise BackendError(MISSING)


def set_environment(workspace: Workspace, offline: bool = True) -> None:
    """Set the environment of this process before Gradio is imported: it decides by variables.

    What `GRADIO_…` says elsewhere (a share link, folders to serve, a monitoring page) is not for this app.
    Where it is not `offline`, libraries may fetch the weights of networks that are named.
    """
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ.update(
        GRADIO_ANALYTICS_ENABLED="False",
        GRADIO_TEMP_DIR=str(workspace.root),
        HF_HUB_DISABLE_TELEMETRY="1",
        DO_NOT_TRACK="1",
    )
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"


def application(
    models: ModelList, workspace: Workspace, limits: Limits, addresses: Addresses, token: str
) -> Any:
    """Return the app for an ASGI server; `set_environment` comes first.

    The first model is loaded and explains an example, so that what is wrong with it is said now and the first
    click is as quick as any.
    """
    import gradio as gr
    from fastapi import FastAPI

    service = Service(models, workspace, limits)
    models.model(models.names[0])
    made = Page(service)
    page = made.build()
    workspace.keep()
    with suppress(VisionCamError):  # a click gives the reason
        run_limited(made.warm, limits.seconds)
    page.state_session_capacity = SESSIONS
    page.has_launched = True  # else a mounted app takes files that nobody uploaded (Gradio 6.31)
    inner = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        path="",
        show_error=False,
        max_file_size=limits.upload,
        allowed_paths=[str(examples()[0][0].parent)],  # not ours: nothing in it is to be shown inline
        ssr_mode=False,
        enable_monitoring=False,
        run_history=False,
        pwa=False,
        mcp_server=False,
        footer_links=[],
        theme=theme(),
        css=CSS,
    )
    return Guard(inner, addresses, workspace, limits.upload, token)


def serve(
    models: ModelList, limits: Limits, addresses: Addresses, token: str, announce: Callable[[str], None]
) -> None:
    """Serve until interrupted; the folder with uploads and answers is gone afterwards.

    Args:
        models: what a visitor can pick.
        limits: what a visitor may ask for.
        addresses: where to listen; port 0 takes a free one.
        token: what a visitor must know, or empty.
        announce: called with the address to open once it answers.
    """
    import uvicorn

    sockets = addresses.sockets()
    workspace = Workspace()
    signal.signal(signal.SIGTERM, _end)  # the server hands signals on when it has closed
    try:
        addresses = attrs.evolve(addresses, port=sockets[0].getsockname()[1])
        set_environment(workspace, offline=not models.downloads)
        app = application(models, workspace, limits, addresses, token)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            limit_concurrency=100,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        _hook(server, lambda: announce(addresses.url + (f"?token={token}" if token else "")))
        server.run(sockets=sockets)
    except KeyboardInterrupt:
        pass  # Ctrl-C is how it ends
    finally:
        for one in sockets:
            one.close()
        workspace.close()


def _end(number: int, frame: object) -> None:
    """End this process in order, so that the folder is removed."""
    raise SystemExit(128 + number)


def _hook(server: Any, announce: Callable[[], None]) -> None:
    """Call `announce` when the server has started; when it ends, requests under way don't delay it."""
    start, stop = server.startup, server.shutdown

    async def startup(sockets: Any = None) -> None:
        begin()
        await start(sockets=sockets)
        announce()

    async def shutdown(sockets: Any = None) -> None:
        give_up()
        await stop(sockets=sockets)

    server.startup, server.shutdown = startup, shutdown
