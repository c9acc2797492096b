"""The layer in front of the page (ASGI): who may ask, how much, and what the browser may load.

Gradio serves more than this app needs (a proxy, an upload of anything, an API); only what the page itself
asks for gets through.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import sys
import traceback
from collections.abc import Iterator
from email.message import Message as EmailMessage
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs

from visioncam.app.addresses import Addresses
from visioncam.app.request_body import ASGI, Answer, Body, Message, Receive, Scope, Send, StopError, too_large
from visioncam.app.workspace import Workspace

COOKIE = "visioncam_token"
READ = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(assets|static|svelte)/[\w./@+~-]+"
    r"|/gradio_api/(info|startup-events|queue/data|upload_progress|heartbeat/\w+|app_id)/?"
)
WRITE = re.compile(r"/gradio_api/(upload|queue/join|cancel|reset)/?")
FILE = "/gradio_api/file="
ASK = "/gradio_api/queue/join"
UPLOAD = "/gradio_api/upload"
SMALL = 2**20  # bytes of a request that is no upload
SLOW = 30.0  # seconds in which a request must have arrived


@attrs.frozen(eq=False)
class Guard:
    """Lets through what the page needs."""

    app: ASGI
    addresses: Addresses  # the names it answers to
    workspace: Workspace  # the one folder from which files are served
    upload: int  # bytes of the largest file
    token: str = ""  # what a visitor must know; empty where only this computer can ask
    slow: float = SLOW  # seconds in which a request must have arrived

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no websockets: the connection is refused
        answer = Answer(send)
        try:
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
            }
            self._check_who(scope, headers)
            if await self._sign_in(scope, headers, answer):
                return
            self._check_what(scope)
            upload = scope["path"].rstrip("/") == UPLOAD
            body = Body(
                receive, self._most(upload, headers), self.slow, answer, _edge(headers) if upload else b""
            )
            if upload:
                await asyncio.to_thread(self.workspace.tidy)
            reading = await self._reread(body) if scope["path"].startswith(ASK) else body.receive
            try:
                await self.app(scope, reading, answer.send)
            except Exception as error:
                if answer.stopped is None and answer.begun:
                    raise  # cut short: the server closes the connection
                if answer.stopped is None:
                    traceback.print_exception(error, file=sys.stderr)  # for the owner, not for the visitor
                    answer.stopped = StopError(500, "something went wrong in the app itself")
            if answer.stopped is not None:
                raise answer.stopped
        except StopError as stop:
            await answer.refuse(stop.status, str(stop))

    def _check_who(self, scope: Scope, headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        if not self.addresses.known(host):
            raise StopError(403, "this app does not serve that host name; open the address it printed")
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{host}":
            raise StopError(403, "requests from other pages are refused")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and scope["method"] != "GET":
            raise StopError(403, "requests from other pages are refused")

    async def _sign_in(self, scope: Scope, headers: dict[str, str], answer: Answer) -> bool:
        """Return whether the request was answered here: the address with the token becomes a cookie."""
        if not self.token:
            return False
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["path"] == "/" and scope["method"] == "GET" and self._is_token(token):
            cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            await answer.reply(303, b"", {b"location": b"/", b"set-cookie": cookie.encode()})
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        if COOKIE not in cookies or not self._is_token(cookies[COOKIE].value):
            raise StopError(403, "the token is missing; open the whole address that the app printed")
        return False

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self.token.encode())

    def _check_what(self, scope: Scope) -> None:
        path, method = scope["path"], scope["method"]
        if {"..", "~"} & set(re.split(r"[/\\]", unquote(path))) or not path.isprintable():
            raise StopError(404, "there is nothing here")
        if path.startswith(FILE) and method in ("GET", "HEAD"):
            try:
                self.workspace.own(path.removeprefix(FILE))
            except (ValueError, OSError):
                raise StopError(404, "there is nothing here") from None
            return
        allowed = READ if method in ("GET", "HEAD") else WRITE if method == "POST" else None
        if allowed is None:
            raise StopError(405, "GET and POST only")
        if not allowed.fullmatch(path):
            raise StopError(404, "there is nothing here")

    def _most(self, upload: bool, headers: dict[str, str]) -> int:
        """Return how many bytes the body may have; refuse one that says it is longer."""
        most = self.upload + 64 * 2**10 if upload else SMALL  # a form has lines around the file
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18:
            raise StopError(400, "the Content-Length of the request is not a number")
        if int(length) > most:
            raise StopError(413, too_large(self.upload if upload else most))
        return most

    async def _reread(self, body: Body) -> Receive:
        """Return the request's body to read again, once it is sure that it names no file of ours.

        Gradio takes any path that a visitor writes into a request, and fetches addresses, unless its own
        `launch` was called.
        """
        whole = await body.whole()
        try:
            named = list(_paths(json.loads(whole)))
        except (ValueError, RecursionError):
            raise StopError(400, "the request is not JSON") from None
        for path in named:
            try:
                if self.workspace.own(path).name.startswith("."):
                    raise StopError(415, "the photo's name begins with a dot; rename it")  # Gradio's rule
            except (ValueError, OSError):
                raise StopError(403, "the request names a file that was not uploaded") from None
        waiting: list[Message] = [{"type": "http.request", "body": whole, "more_body": False}]

        async def again() -> Message:
            return waiting.pop() if waiting else await body.receive()

        return again


def _edge(headers: dict[str, str]) -> bytes:
    """Return what stands around each part of an upload; refuse what is no form."""
    kind = EmailMessage()
    kind["content-type"] = headers.get("content-type", "").replace("\r", "").replace("\n", "")
    edge = kind.get_boundary()
    if kind.get_content_type() != "multipart/form-data" or not edge:
        raise StopError(415, "upload one file as a form (multipart/form-data)")
    return b"--" + edge.encode("latin-1", "replace")


def _paths(value: Any) -> Iterator[str]:
    """Yield every path of a file in the data of a request, however deep."""
    if isinstance(value, dict):
        if "path" in value:
            yield str(value["path"])
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item)
