"""One request and its answer at the level of ASGI: bodies that end in time, headers on all that goes back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import attrs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}


class StopError(Exception):
    """The request ends here, with an HTTP status and a message in words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@attrs.define(eq=False)
class Answer:
    """What goes back: security headers on all of it, and nothing more once the request was stopped."""

    _send: Send
    begun: bool = False
    stopped: StopError | None = None

    async def send(self, message: Message) -> None:
        if self.stopped is not None:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            headers = [
                (name, value)
                for name, value in message.get("headers", ())
                if name.lower() not in HEADERS
                and not name.lower().startswith((b"access-control-", b"server"))
            ]
            if message["status"] == 503:
                headers.append((b"retry-after", b"10"))
            message = {**message, "headers": [*headers, *HEADERS.items()]}
        await self._send(message)

    async def reply(self, status: int, body: bytes, headers: dict[bytes, bytes]) -> None:
        length = {b"content-length": str(len(body)).encode(), b"cache-control": b"no-store"}
        lines = list({**headers, **length}.items())
        await self.send({"type": "http.response.start", "status": status, "headers": lines})
        await self.send({"type": "http.response.body", "body": body})

    async def refuse(self, status: int, message: str) -> None:
        """Send a refusal in words, if nothing was sent yet."""
        self.stopped = None
        if not self.begun:
            body = json.dumps({"detail": message}).encode()
            await self.reply(status, body, {b"content-type": b"application/json", b"connection": b"close"})


@attrs.define(eq=False)
class Body:
    """The request's body, cut off where it is too long, takes too long, or is a form with several parts."""

    _receive: Receive
    most: int  # bytes
    slow: float  # seconds
    answer: Answer  # says that it was cut off
    edge: bytes = b""  # what stands before and after each part of a form; empty for what is no form
    _seen: int = 0
    _edges: int = 0
    _tail: bytes = b""
    _whole: bool = False
    _end: float = attrs.field(init=False, default=0.0)

    def __attrs_post_init__(self) -> None:
        self._end = time.monotonic() + self.slow

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # waits for the visitor to leave
        if self.answer.stopped is not None:
            return {"type": "http.disconnect"}
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._end - time.monotonic()))
        except TimeoutError:
            return self._stop(408, f"the request took longer than {self.slow:g} seconds to arrive")
        self._seen += len(message.get("body", b""))
        if self._seen > self.most:
            return self._stop(413, too_large(self.most))
        if self.edge and self._several(message.get("body", b"")):
            return self._stop(400, "one photo at a time; an upload with several files is refused")
        self._whole = not message.get("more_body", False)
        return message

    async def whole(self) -> bytes:
        """Return all of it; raise `StopError` where it is too long or too slow, or the visitor left."""
        pieces = []
        while not self._whole:
            message = await self.receive()
            if message["type"] != "http.request":
                raise self.answer.stopped or StopError(400, "the request was cut short")
            pieces.append(message.get("body", b""))
        return b"".join(pieces)

    def _several(self, piece: bytes) -> bool:
        """Return whether a form has a second part, by counting the edges."""
        text = self._tail + piece  # an edge may lie across two pieces
        self._edges += text.count(self.edge)
        self._tail = text[len(text) - len(self.edge) + 1 :] if len(text) >= len(self.edge) else text
        return self._edges > 2

    def _stop(self, status: int, message: str) -> Message:
        self.answer.stopped = StopError(status, message)
        return {"type": "http.disconnect"}


def too_large(most: int) -> str:
    return f"too large: at most {most / 2**20:.0f} MiB are accepted; shrink the photo"
