"""The engines of closed models: files of ONNX and TFLite, and what a server runs."""

from __future__ import annotations

import os
import zipfile
from typing import Any

from visioncam_core.errors import ModelError
from visioncam_core.images.files import quoted
from visioncam_core.results.provenance import check_digest
from visioncam_core.text import error_text
from visioncam_core.version import installed_version
from visioncam_engines.archives import listed
from visioncam_engines.called import CalledEngine
from visioncam_engines.runtimes.closed import ClosedModel, closed
from visioncam_engines.runtimes.inspection import Holdings, inspect_file
from visioncam_engines.runtimes.onnx import OnnxFile
from visioncam_engines.runtimes.ports import check_start, damaged
from visioncam_engines.runtimes.serving import Server
from visioncam_engines.runtimes.tflite import TfliteFile, runs_in

FILES: dict[str, Any] = {"onnx": OnnxFile, "tflite": TfliteFile}
TITLES = {"onnx": "ONNX file", "tflite": "TFLite file"}
AT_ONCE = 8  # pictures in one message to a server


class FileEngine(CalledEngine):
    """Runs files of one format."""

    none = (
        "what the file computes on the way is not seen; choose a method of pictures, such as 'occlusion', or "
        "convert the model to ONNX, whose feature maps are"
    )

    def __init__(self, name: str) -> None:
        self.name = name

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        """Raise `ModelError` unless it begins as such a file does."""
        check_start(path, f".{self.name}")

    def load(self, path: str | os.PathLike[str], **asked: Any) -> ClosedModel:
        """Return the model in a file; see `OnnxFile.open` and `TfliteFile.open`."""
        name = quoted(os.fsdecode(os.fspath(path)))
        if asked.get("custom_objects"):
            raise ModelError(
                f"{name}: custom_objects= is for Keras files; an .{self.name} file needs no classes"
            )
        self.check_file(path)
        check_digest(path, asked.get("sha256"), name)
        try:
            if zipfile.is_zipfile(path):  # behind the file, where labels and cards are
                listed(path, name)
        except zipfile.BadZipFile as error:
            raise damaged(name, error_text(error)) from error
        file = FILES[self.name].open(path, bool(asked.get("unsafe")))
        return self._closed(file, os.path.basename(os.fsdecode(os.fspath(path))))

    def _closed(self, file: Any, title: str) -> ClosedModel:
        return closed(file, self.name, title, TITLES[self.name])

    def pack(self, model: ClosedModel) -> Any:
        """Return the file."""
        return model.hints.title, model.file.content

    def unpack(self, packed: Any) -> ClosedModel:
        """Return the file, opened again; it was checked when it was opened first."""
        title, content = packed
        return self._closed(FILES[self.name].of(content, title), title)

    def inspect(self, path: str | os.PathLike[str]) -> Holdings:
        """Read what a file holds."""
        return inspect_file(path, self.name)

    def versions(self) -> dict[str, str]:
        """Return the version of what runs it."""
        name = "onnxruntime" if self.name == "onnx" else runs_in()
        return {name: installed_version(name.replace("_", "-"))}


class ServingEngine(CalledEngine):
    """Asks servers."""

    name = "served"
    none = "only the answers of a server are seen; choose a method of pictures, such as 'occlusion'"

    def check_file(self, path: str | os.PathLike[str], *, trust_savedmodel: bool = False) -> None:
        """Accept every address: `load` asks it."""

    def load(self, path: str | os.PathLike[str], **asked: Any) -> ClosedModel:
        """Return the model at an address."""
        server = Server.open(os.fspath(path))
        return closed(server, self.name, server.url, "served model", AT_ONCE)

    def pack(self, model: ClosedModel) -> Any:
        """Return the address."""
        return model.file.url

    def unpack(self, packed: Any) -> ClosedModel:
        """Ask again."""
        return self.load(packed)
