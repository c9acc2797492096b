"""What stands before the app's page: who may ask, how much, and what goes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from visioncam.app.addresses import Addresses
from visioncam.app.guard import FILE, Guard
from visioncam.app.workspace import Workspace

HERE = Addresses("127.0.0.1", 7860)
TOKEN = "s3cret-token"
FORM = "multipart/form-data; boundary=edge"


@attrs.frozen
class Got:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: str


@attrs.define
class Inside:
    """An app that reads the body and says how much came; `then` is what it does instead."""

    read: int = 0
    status: int = 200
    crash: bool = False
    asked: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        if self.crash:
            raise RuntimeError("secret of /etc/passwd")
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            self.read += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        headers = [(b"access-control-allow-origin", b"*"), (b"x-frame-options", b"ALLOW"), (b"server", b"x")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"fine"})


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    made = Workspace()
    yield made
    made.close()


def ask(
    guard: Guard,
    path: str = "/",
    method: str = "GET",
    pieces: list[bytes] | None = None,
    query: str = "",
    **headers: str,
) -> Got:
    """Ask through the guard; None among the pieces is a visitor who sends nothing more."""
    lines = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in lines.items()],
    }
    waiting = list(pieces or [b""])
    sent: list[Any] = []

    async def receive() -> Any:
        if not waiting:
            await asyncio.sleep(60)
        piece = waiting.pop(0)
        if not piece and pieces:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    start = sent[0]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    found = {name.decode().lower(): value.decode() for name, value in start["headers"]}
    return Got(start["status"], found, body.decode())


def guarded(workspace: Workspace, inside: Inside, **more: Any) -> Guard:
    return Guard(inside, **{"addresses": HERE, "workspace": workspace, "upload": 3 * 2**20, **more})


@pytest.mark.parametrize("host", ["evil.example:7860", "127.0.0.1:80", "127.0.0.1", "", "127.0.0.1:7860x"])
def test_another_name_is_refused(workspace: Workspace, host: str) -> None:
    inside = Inside()
    got = ask(guarded(workspace, inside), host=host)
    assert (got.status, inside.asked) == (403, 0)
    assert "does not serve that host name" in json.loads(got.body)["detail"]


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "LOCALHOST:7860", "[::1]:7860"])
def test_its_own_names_are_known(workspace: Workspace, host: str) -> None:
    assert ask(guarded(workspace, Inside()), host=host).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:7860", "http://localhost:7860"]
)
def test_pages_elsewhere_are_refused(workspace: Workspace, origin: str, method: str) -> None:
    inside = Inside()
    got = ask(guarded(workspace, inside), "/gradio_api/upload", method, origin=origin)
    assert (got.status, inside.asked) == (403, 0)
    assert not [name for name in got.headers if name.startswith("access-control")]


def test_its_own_page_may_ask(workspace: Workspace) -> None:
    guard, join = guarded(workspace, Inside()), "/gradio_api/queue/join"
    assert ask(guard, join, "POST", [b"{}"], origin="http://127.0.0.1:7860").status == 200
    assert ask(guard, join, "POST", [b"{}"], sec_fetch_site="cross-site").status == 403


def test_headers_on_every_answer(workspace: Workspace) -> None:
    guards = [guarded(workspace, inside) for inside in (Inside(), Inside(crash=True), Inside(status=503))]
    answers = [ask(guard) for guard in guards] + [ask(guards[0], "/nowhere"), ask(guards[0], host="evil")]
    assert [got.status for got in answers] == [200, 500, 503, 404, 403]
    for got in answers:
        assert "frame-ancestors 'none'" in got.headers["content-security-policy"]
        assert "default-src 'none'" in got.headers["content-security-policy"]
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["referrer-policy"] == "no-referrer"
        assert got.headers["x-frame-options"] == "DENY"
        assert not {"access-control-allow-origin", "server"} & set(got.headers)
        assert "passwd" not in got.body
    assert answers[2].headers["retry-after"] == "10"


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/config", "GET", 200),
        ("/assets/index-3f.js", "GET", 200),
        ("/gradio_api/cancel", "POST", 200),
        ("/gradio_api/proxy=http://evil.example/", "GET", 404),
        ("/gradio_api/file/etc/passwd", "GET", 404),
        ("/gradio_api/run/predict", "POST", 404),
        ("/gradio_api/call/explain", "POST", 404),
        ("/gradio_api/component_server", "POST", 404),
        ("/gradio_api/process_recording", "POST", 404),
        ("/monitoring", "GET", 404),
        ("/docs", "GET", 404),
        ("/openapi.json", "GET", 404),
        ("/static/../../etc/passwd", "GET", 404),
        ("/static/%2e%2e/%2e%2e/etc/passwd", "GET", 404),
        ("/static/..\\..\\etc", "GET", 404),
        ("/assets/a\r\nb", "GET", 404),
        ("/config", "DELETE", 405),
        ("/gradio_api/upload", "GET", 404),
    ],
)  # fmt: skip
def test_only_what_the_page_needs_gets_through(
    workspace: Workspace, path: str, method: str, status: int
) -> None:
    inside = Inside()
    assert ask(guarded(workspace, inside), path, method).status == status
    assert inside.asked == (status == 200)


def test_files_come_from_its_own_folder_only(workspace: Workspace, tmp_path: Any) -> None:
    own, secret = workspace.new_folder() / "map.png", tmp_path / "secret"
    own.write_bytes(b"x")
    secret.write_bytes(b"x")
    link = own.with_name("link.png")
    link.symlink_to(secret)
    guard = guarded(workspace, Inside())
    paths = [own, secret, link, own.parent, workspace.root / ".." / "x", "https://evil.example/x.png"]
    assert [ask(guard, f"{FILE}{path}").status for path in paths] == [200, 404, 404, 404, 404, 404]


def test_a_large_body_is_not_read(workspace: Workspace) -> None:
    inside = Inside()
    guard = guarded(workspace, inside)
    length = str(4 * 2**20)
    got = ask(
        guard, "/gradio_api/upload", "POST", [b"x" * 2**20] * 4, content_length=length, content_type=FORM
    )
    assert (got.status, inside.read) == (413, 0)
    assert "at most 3 MiB" in got.body
    got = ask(guard, "/gradio_api/upload", "POST", [b"x" * 2**20] * 9, content_type=FORM)  # says no length
    assert got.status == 413
    assert inside.read == 3 * 2**20
    assert ask(guard, "/gradio_api/upload", "POST", [b"x" * 2**20] * 2, content_type=FORM).status == 200
    assert ask(guard, "/gradio_api/queue/join", "POST", [b"x" * 2**20] * 2).status == 413
    assert ask(guard, "/gradio_api/upload", "POST", content_length="-1").status == 400


def test_an_upload_is_a_form_with_one_file(workspace: Workspace) -> None:
    upload, part = "/gradio_api/upload", b'--edge\r\nContent-Disposition: form-data; filename="a"\r\n\r\n'
    one, two = part + b"--edg filename=x\r\n--edge--\r\n", part + b"x\r\n" + part + b"y\r\n--edge--\r\n"
    for body, status in ((one, 200), (two, 400)):
        for size in (1, 3, 7, 1000):  # an edge may come in pieces
            pieces = [body[start : start + size] for start in range(0, len(body), size)]
            assert (
                ask(guarded(workspace, Inside()), upload, "POST", pieces, content_type=FORM).status == status
            )
    for kind in ("text/plain", "", "multipart/form-data", "text/plain; boundary=edge", "a;boundary*=x'%ff"):
        inside = Inside()
        got = ask(guarded(workspace, inside), upload, "POST", [b"hello"], content_type=kind)
        assert (got.status, inside.asked) == (415, 0)
        assert "one file as a form" in got.body
    assert ask(guarded(workspace, Inside()), f"{upload}_progress").status == 200


def test_a_question_names_no_file_but_uploads(workspace: Workspace) -> None:
    own = workspace.new_folder() / "photo.png"
    own.write_bytes(b"x")
    join = "/gradio_api/queue/join"
    for path, status in ((str(own), 200), ("/etc/passwd", 403), ("http://evil.example/x", 403), (7, 403)):
        inside = Inside()
        question = json.dumps({"data": [1, [{"value": {"path": path, "url": None}}]]}).encode()
        got = ask(guarded(workspace, inside), join, "POST", [question[:20], question[20:]])
        assert (got.status, inside.read) == (status, len(question) if status == 200 else 0)
    hidden = own.with_name(".photo.png")  # Gradio would refuse it without a word
    hidden.write_bytes(b"x")
    got = ask(guarded(workspace, Inside()), join, "POST", [json.dumps({"path": str(hidden)}).encode()])
    assert (got.status, "begins with a dot" in got.body) == (415, True)
    for body in (b"no json", b"[" * 100_000):
        assert ask(guarded(workspace, Inside()), join, "POST", [body]).status == 400


def test_a_slow_body_is_cut(workspace: Workspace) -> None:
    got = ask(
        guarded(workspace, Inside(), slow=0.2),
        "/gradio_api/upload",
        "POST",
        [b"x", b"", b"x"],
        content_type=FORM,
    )
    assert got.status == 408
    assert "longer than 0.2 seconds" in got.body


def test_the_token_opens_the_app_once_shown(workspace: Workspace) -> None:
    public = Addresses("0.0.0.0", 7860)
    guard = guarded(workspace, Inside(), addresses=public, token=TOKEN)
    host = "192.168.1.7:7860"
    assert ask(guard, host=host).status == 403
    assert ask(guard, host=host, query="token=wrong").status == 403
    assert ask(guard, "/config", host=host, query=f"token={TOKEN}").status == 403  # only the page sets it
    got = ask(guard, host=host, query=f"token={TOKEN}")
    assert (got.status, got.headers["location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict"} <= set(got.headers["set-cookie"].split("; "))
    cookie = got.headers["set-cookie"].split(";")[0]
    assert ask(guard, host=host, cookie=cookie).status == 200
    assert ask(guard, host=host, cookie=cookie + "x").status == 403
    assert ask(guard, host="rebound.example:7860", cookie=cookie).status == 403


def test_a_websocket_is_not_answered(workspace: Workspace) -> None:
    inside = Inside()

    async def never() -> Any:
        raise AssertionError("nothing is read or sent")

    asyncio.run(guarded(workspace, inside)({"type": "websocket"}, never, never))  # type: ignore[arg-type]
    assert inside.asked == 0
