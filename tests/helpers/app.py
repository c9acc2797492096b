"""The app in a process of its own, as a user starts it, a small model for it, and asking as its page does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from helpers.cli import environment

HOSTILE = "<script>alert('class')</script>"
NAMES = ["cat", HOSTILE, "coffee", "rocket", "price $5"]

HANG = """
import time
from pathlib import Path
from typing import Any

import attrs

from visioncam_core.plugins.hookspecs import hookimpl
from visioncam_core.plugins.specs import MethodSpec


@attrs.frozen
class Hang:
    needs = frozenset({"activations"})

    def __call__(self, evidence):
        Path("hanging").touch()
        time.sleep(1000)


@hookimpl
def visioncam_register_methods():
    return [MethodSpec(name="hang", cls=Hang, title="Hang", reference="none", summary="sleeps")]
"""


@attrs.frozen(eq=False)
class Served:
    """A running app.

    Attributes:
        url: what it printed.
        process: the server.
        temporary: the folder in which it keeps its own.
        said: lines on standard error.
    """

    url: str
    process: subprocess.Popen[str]
    temporary: Path
    said: list[str]

    @property
    def port(self) -> int:
        """Its port."""
        found = re.search(r":(\d+)/", self.url)
        assert found
        return int(found[1])

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)


def small_model(folder: Path) -> Path:
    """Write a small network for photos, and class names of which one is hostile."""
    import keras

    keras.utils.set_random_seed(4)
    model = keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(8, 5, strides=3, activation="relu", name="first"),
            keras.layers.Conv2D(8, 3, activation="relu", name="second"),
            keras.layers.Flatten(),
            keras.layers.Dense(len(NAMES), activation="softmax"),
        ]
    )
    model.save(folder / "small.keras")
    (folder / "names.json").write_text(json.dumps(NAMES))
    return folder / "small.keras"


def hanging_plugin(folder: Path) -> Path:
    """Write a plugin with a method that says that it began, by a file, and never ends."""
    (folder / "hang.py").write_text(HANG)
    return folder / "hang.py"


@contextmanager
def served(folder: Path, *args: str) -> Iterator[Served]:
    """Start the app on a free port and end it."""
    temporary = folder / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "visioncam", "app", "--port", "0", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(temporary), GRADIO_SHARE="True", GRADIO_ALLOWED_PATHS="/etc"),
        cwd=folder,
        start_new_session=True,
    )
    said: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    reader.start()
    try:
        url = ""
        for line in process.stdout:
            found = re.search(r"http://[^\s,;]+", line)
            if found:
                url = found[0]
                break
        assert url, "".join(said)
        yield Served(url, process, temporary, said)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)
        reader.join(timeout=10)
        process.stdout.close()
        process.stderr.close()


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


def for_downloads(app: Served, session: str) -> bytes:
    """Return the question that the page puts when an answer is shown: for its downloads."""
    config = json.loads(asked(app, "/config")[2])
    states = [one["id"] for one in config["components"] if one["type"] == "state"]
    (ask, *_) = [one for one in config["dependencies"] if one["inputs"] == states]
    put = {"data": [None], "fn_index": ask["id"], "session_hash": session, "event_data": None}
    return json.dumps(put).encode()


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
