"""The folder of a SavedModel, and TensorFlow kept quiet while it writes."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def save(concrete: Any, path: Path) -> None:
    """Write a concrete function as the one signature of a SavedModel; its weights are in its graph."""
    import tensorflow as tf

    with quiet():
        tf.saved_model.save(tf.Module(), os.fspath(path), signatures=concrete)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what TensorFlow and the converter to ONNX say to people who call them themselves from the user."""
    loggers = [logging.getLogger(name) for name in ("tensorflow", "tf2onnx")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)
