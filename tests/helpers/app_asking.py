"""Asking a running app over HTTP, as its page does."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

from helpers.app import Served


def asked(
    app: Served, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(app.url.rstrip("/") + path, body, lines)
    try:
        with urllib.request.urlopen(request, timeout=60) as got:
            return got.status, {name.lower(): value for name, value in got.headers.items()}, got.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower(): value for name, value in error.headers.items()}, error.read()


def form(name: str, content: bytes) -> tuple[bytes, str]:
    """Return a form with one file, and its content type."""
    edge = uuid.uuid4().hex
    head = f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
    return head.encode() + content + f"\r\n--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def question(app: Served, photo: str, session: str, **answers: Any) -> bytes:
    """Return a question as the page puts it; answers by the label of their widget."""
    config = json.loads(asked(app, "/config")[2])
    (ask, *_) = [one for one in config["dependencies"] if len(one["inputs"]) > 8]
    given = {one["id"]: one["props"] for one in config["components"]}
    labels = [given[number].get("label") for number in ask["inputs"]]
    data = [given[number].get("value") for number in ask["inputs"]]
    for label, answer in {**answers, "Photo": {"path": photo, "meta": {"_type": "gradio.FileData"}}}.items():
        data[labels.index(label)] = answer
    put = {"data": data, "fn_index": ask["id"], "session_hash": session, "event_data": None}
    return json.dumps(put).encode()


def uploaded(app: Served, name: str, content: bytes) -> str:
    """Return the path under which the app has an upload."""
    body, kind = form(name, content)
    status, _, page = asked(app, "/gradio_api/upload", body, Content_Type=kind)
    assert status == 200
    (path,) = json.loads(page)
    return str(path)


def join(app: Served, body: bytes) -> tuple[int, dict[str, str], bytes]:
    return asked(app, "/gradio_api/queue/join", body, Content_Type="application/json")


def answered(app: Served, session: str) -> Any:
    """Return what the page is given at last as the answer to a session's question."""
    lines = asked(app, f"/gradio_api/queue/data?session_hash={session}")[2].splitlines()
    told = [json.loads(line.removeprefix(b"data:")) for line in lines if line.startswith(b"data:")]
    (last,) = [one["output"]["data"] for one in told if one["msg"] == "process_completed"]
    return last
