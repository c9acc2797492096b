"""The model to explain: a file of the user's, or the embedded one."""

from __future__ import annotations

import os
from typing import Any

from visioncam_core.errors import ModelError


def open_model(path: str | os.PathLike[str] | None = None, **how: Any) -> Any:
    """Return the model in a file, or the embedded one.

    Args:
        path: a model file, or the folder of a SavedModel; None for the embedded model.
        **how: the other keywords of `visioncam_engines.tensorflow.files.load.load_model`.

    Raises:
        BackendError: no TensorFlow, or Keras on another backend.
        ModelError: a file that cannot be used, or the embedded model's weights are missing.
    """
    from visioncam_engines.tensorflow import demo
    from visioncam_engines.tensorflow.files import load

    return demo.load() if path is None else load.load_model(path, **how)


def check_file(path: str | os.PathLike[str]) -> str:
    """Return what kind of model file it is, such as "keras"; nothing in it is built or run.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: it is no model, or cut short.
    """
    from visioncam_engines.tensorflow.files import load

    return load.check_file(path)


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is the folder of a SavedModel."""
    return os.path.isfile(os.path.join(os.fspath(path), "saved_model.pb"))


def embedded_is_installed() -> bool:
    """Return whether the embedded model's weights are installed."""
    from visioncam_engines.demo import weights

    try:
        weights.weights_file()
    except ModelError:
        return False
    return True
