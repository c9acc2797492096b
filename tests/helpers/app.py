"""The app in a process of its own, as a user starts it, and a small model for it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from helpers.cli import environment

HOSTILE = "<script>alert('class')</script>"
NAMES = ["cat", HOSTILE, "coffee", "rocket", "price $5"]

HANG = """
import time
from pathlib import Path

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
            found = re.search(r"http://\S+?(?=,)", line)
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
