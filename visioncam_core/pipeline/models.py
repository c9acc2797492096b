"""The model to explain: a file of the user's, or the embedded one."""

from __future__ import annotations

import os
from typing import Any

from visioncam_core.plugins.default import registry

Path = str | os.PathLike[str]


def open_model(path: Path | None = None, **how: Any) -> Any:
    """Return the model in a file, or the embedded one.

    Args:
        path: a model file, or the folder of a SavedModel; None for the embedded model.
        **how: `custom_objects`, `unsafe`, `sha256`, and what the engine of the file takes besides.

    Raises:
        BackendError: the framework is not installed, or cannot run here.
        ModelError: a file that cannot be used, or the embedded model's weights are missing.
    """
    engine = registry().engine_for_file(path or "")
    engine.require()
    return engine.demo() if path is None else engine.load(path, **how)


def check_file(path: Path) -> None:
    """Raise an error unless a file looks like a model; nothing in it is built or run.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: it is no model, or cut short.
    """
    registry().engine_for_file(path).check_file(path)


def is_saved_model(path: Path) -> bool:
    """Return whether a path is the folder of a SavedModel."""
    return os.path.isfile(os.path.join(os.fspath(path), "saved_model.pb"))


def embedded_is_installed() -> bool:
    """Return whether the embedded model's weights are installed."""
    return bool(registry().engine_for_file("").demo_digest())
