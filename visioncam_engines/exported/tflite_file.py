"""TFLite files: metadata, and running them."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from visioncam_core.engine.export import Run
from visioncam_engines.exported.metadata import NAME


def add_metadata(path: Path, metadata: Mapping[str, Any]) -> None:
    """Put metadata behind the file's own bytes, as an archive: where TFLite's tools look for its labels.

    Any unzip reads it, and the runtime does not look at it.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(NAME, json.dumps(metadata))


def runner(path: Path) -> tuple[Run, str]:
    """Return what runs a file on inputs by name, and the runtime's name with its version."""
    interpreter, name = _interpreter(path)
    serve = interpreter.get_signature_runner()

    def run(given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {key: np.array(value) for key, value in serve(**given).items()}

    return run, name


def _interpreter(path: Path) -> tuple[Any, str]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it moves to another package
            return tf.lite.Interpreter(os.fspath(path)), f"TFLite of TensorFlow {tf.__version__}"
    import importlib.metadata

    return Interpreter(os.fspath(path)), f"LiteRT {importlib.metadata.version('ai-edge-litert')}"
