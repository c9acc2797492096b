"""Whether TensorFlow can run in this process, and of what kind a model is."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from visioncam_core.errors import BackendError
from visioncam_core.text import brief

_SET = "set the environment variable KERAS_BACKEND=tensorflow before Keras is imported"
RUN, _FORKED = threading.Event(), threading.Event()
"""Whether TensorFlow ran a model in this process; and whether the process was forked after that."""


def _after_fork() -> None:
    if RUN.is_set():  # TensorFlow's threads are not in the new process: every pass would hang
        _FORKED.set()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def require_tensorflow() -> None:
    """Raise `BackendError` unless TensorFlow is installed, can run in this process, and Keras runs on it."""
    if _FORKED.is_set():
        raise BackendError(
            "this process was forked after a model was explained, and TensorFlow does not survive that; "
            'start processes with multiprocessing.get_context("spawn"), or explain in the new process only'
        )
    try:
        import tensorflow  # noqa: F401 - only whether it can be imported
    except ImportError as error:
        raise BackendError(
            f"TensorFlow cannot be imported ({error}); install it with `pip install tensorflow` (2.16 or "
            "newer)"
        ) from error
    try:
        import keras
    except (ImportError, ValueError) as error:  # a backend that is not installed, or that nobody knows
        raise BackendError(f"Keras cannot be imported ({error}); {_keras_cure()}") from error
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise BackendError(f"Keras runs on the {backend!r} backend, and VisionCam needs 'tensorflow'; {_SET}")


def _keras_cure() -> str:
    """Return what to do where `import keras` fails: mostly because another backend is asked for."""
    wanted = os.environ.get("KERAS_BACKEND")
    if wanted == "tensorflow":
        return "install it anew with `pip install --force-reinstall keras`"
    asked = f"KERAS_BACKEND={brief(wanted, 40)} asks" if wanted else "the file keras.json may ask"
    return f"{asked} for another backend, and VisionCam needs 'tensorflow'; {_SET}"


def is_model(value: Any) -> bool:
    known = hasattr(value, "_flatten_layers") and hasattr(value, "call")
    return callable(value) and known and not isinstance(value, type)


def is_saved(value: Any) -> bool:
    """Return whether `value` is a loaded SavedModel, one of its functions, or Keras's layer around one."""
    if hasattr(value, "call_endpoint_fn"):  # keras.layers.TFSMLayer
        return True
    if hasattr(value, "_flatten_layers"):
        return False
    return is_function(value) or isinstance(getattr(value, "signatures", None), Mapping)


def is_function(value: Any) -> bool:
    return hasattr(value, "structured_input_signature") and hasattr(value, "captured_inputs")
