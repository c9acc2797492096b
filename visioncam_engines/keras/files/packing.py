"""A Keras model as bytes, for a process of ours."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from visioncam_core.errors import ModelError
from visioncam_engines.keras.files.load import load_model


def pack(model: Any) -> bytes:
    """Return the bytes of a `.keras` file.

    Raises:
        ModelError: Keras cannot save it.
    """
    with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
        path = Path(folder, "model.keras")
        try:
            model.save(path)
        except Exception as error:  # Keras raises anything for a model that is none
            raise ModelError(
                f"the model cannot be sent to a cluster ({type(error).__name__}: {error}); save it and "
                "pass the file's path, or the name of the function that builds it: 'package.module:function'"
            ) from error
        return path.read_bytes()


def unpack(packed: bytes, backend: str = "tensorflow") -> Any:
    """Return the model in the bytes of a `.keras` file."""
    with tempfile.TemporaryDirectory(prefix="visioncam-") as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(packed)
        return load_model(path, backend=backend)
