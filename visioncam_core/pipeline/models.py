"""The model to explain: a file of the user's, or the embedded one."""

from __future__ import annotations

import os
from typing import Any

from visioncam_core.plugins.default import registry

Path = str | os.PathLike[str]


def open_model(path: Path | None = None, **how: Any) -> Any:
    """Return the model in a file or in the folder of a SavedModel, or the embedded one.

    `how` is `custom_objects`, `unsafe`, `sha256`, and what the engine of the file takes besides.
    """
    engine = registry().engine_for_file(path or "")
    engine.require()
    return engine.demo() if path is None else engine.load(path, **how)


def check_file(path: Path, *, trust_savedmodel: bool = False) -> None:
    """Raise `ModelError` unless a file looks like a model; nothing in it is built or run."""
    registry().engine_for_file(path).check_file(path, trust_savedmodel=trust_savedmodel)


def embedded_is_installed() -> bool:
    return bool(registry().engine_for_file("").demo_digest())
