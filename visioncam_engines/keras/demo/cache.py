"""A Keras model in a file, made when it is not there and made again when it is damaged.

Processes may race: each writes a file of its own and moves it into place in one
step, so a reader sees a whole file or none.
"""

from __future__ import annotations

import logging
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visioncam_core.text import error_text

if TYPE_CHECKING:
    import keras

_log = logging.getLogger("visioncam.model_files")  # below "visioncam", which the command line shows


def load_or_make(path: Path, make: Callable[[], keras.Model]) -> keras.Model:
    """Return a new model object from a `.keras` file, or made, and then written there with its folders.

    A file that is damaged, or that cannot be written, costs a warning in the log and nothing else.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        pass
    except Exception as error:  # a damaged file can make its reader raise anything
        _log.warning("the cached model %s cannot be used (%s); it is rebuilt", path, error_text(error))
    model = make()
    try:
        _write(path, model)
    except OSError as error:
        _log.warning(
            "the model could not be cached in %s (%s); the next call is slower", path, error_text(error)
        )
    return model


def _load(path: Path) -> keras.Model:
    import keras

    with zipfile.ZipFile(path) as archive:
        if (bad := archive.testzip()) is not None:
            raise zipfile.BadZipFile(f"{bad} fails its checksum")
    model: Any = keras.saving.load_model(path, compile=False, safe_mode=True)
    return model


def _write(path: Path, model: keras.Model) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=".keras", dir=path.parent)
    os.close(handle)
    try:
        model.save(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
